// The page: draws what the others draw, and tells them what is drawn here.
const COLOURS = ["#222222", "#d0342c", "#1f6feb", "#2c974b", "#bf8700", "#8250df", "#bf3989", "#ffffff"];
const NAMES = ["Black", "Red", "Blue", "Green", "Ochre", "Violet", "Pink", "White"];

const socket = window.io();
const canvas = document.querySelector("canvas");
const context = canvas.getContext("2d");
/** What is on the board, for when the window changes its size. */
let lines = [];
let colour = 0;
/** Where the pen is, while it is down. */
let pen;

socket.on("board", (board) => {
  lines = board;
  repaint();
});
socket.on("draw", add);

// `connect` and `disconnect` say nothing of an outage that lasts some seconds, `status` does.
const sign = document.querySelector("p");
socket.onStatus(showStatus);
showStatus(socket.status);

function showStatus(status) {
  sign.hidden = status === "connected";
  sign.textContent = status === "offline" ? "Offline" : "Reconnecting\u2026";
}

function add(line) {
  lines.push(line);
  paint(line);
}

function paint([fromX, fromY, toX, toY, colourOfLine]) {
  context.beginPath();
  context.moveTo(fromX * canvas.width, fromY * canvas.height);
  context.lineTo(toX * canvas.width, toY * canvas.height);
  context.strokeStyle = COLOURS[colourOfLine];
  context.lineWidth = 3 * devicePixelRatio;
  context.lineCap = "round";
  context.stroke();
}

function repaint() {
  canvas.width = innerWidth * devicePixelRatio;
  canvas.height = innerHeight * devicePixelRatio;
  for (const line of lines) paint(line);
}

function place(event) {
  const within = (part) => Math.min(1, Math.max(0, part));
  return [within(event.clientX / innerWidth), within(event.clientY / innerHeight)];
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  pen = place(event);
});
canvas.addEventListener("pointermove", (event) => {
  if (!pen) return;
  const next = place(event);
  const line = [...pen, ...next, colour];
  pen = next;
  add(line);
  socket.emit("draw", line);
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (pen = undefined));

for (const [index, value] of COLOURS.entries()) {
  const choice = document.createElement("input");
  choice.type = "radio";
  choice.name = "colour";
  choice.checked = index === colour;
  choice.style.backgroundColor = value;
  choice.setAttribute("aria-label", NAMES[index]);
  choice.title = NAMES[index];
  choice.addEventListener("change", () => (colour = index));
  document.querySelector("fieldset").append(choice);
}
document.querySelector("button").addEventListener("click", () => socket.emit("clear"));
addEventListener("resize", repaint);
repaint();
