// The page: shows on which node it is, kills that node if one wants it, and shows that the client comes back.
const socket = window.io({ reconnectionDelay: 200 });
const [status, list, kill, form, text, log] = ["status", "nodes", "kill", "form", "text", "log"].map((id) =>
  document.getElementById(id),
);
let mine;
let nodes = [];
/** When the connection was lost. */
let lostAt;

socket.on("node", (name) => {
  const was = mine;
  mine = name;
  kill.disabled = false;
  if (lostAt !== undefined)
    note(`back after ${Math.round(performance.now() - lostAt)} ms: ${was} before, ${name} now`);
  lostAt = undefined;
  show();
});
socket.on("nodes", (names) => {
  nodes = names;
  show();
});
socket.on("said", ({ text: said, from }) => add(`${said} (by way of ${from})`));
socket.onStatus((now) => {
  if (now === "connected") return show();
  lostAt ??= performance.now();
  status.textContent = now === "offline" ? "Offline" : "Reconnecting…";
});
socket.on("disconnect", (reason) => note(`the node is gone: ${reason}`));

kill.addEventListener("click", () => {
  kill.disabled = true;
  note(`killing ${mine}`);
  socket.emit("kill");
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value !== "") socket.emit("say", text.value);
  text.value = "";
});

function show() {
  if (mine === undefined) return;
  status.textContent = `This page is on ${mine}, over ${socket.io.engine.transport.name}.`;
  list.replaceChildren(
    ...nodes.map((name) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.classList.toggle("mine", name === mine);
      return item;
    }),
  );
}

function note(line) {
  add(line).classList.add("own");
}

function add(line) {
  const item = document.createElement("li");
  item.textContent = line;
  log.append(item);
  return item;
}
