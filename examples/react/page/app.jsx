import { useEffect, useState } from "react";
import { SocketProvider, useConnection, useEmit, useEvent, usePresence, useRoom } from "./socket.js";

const ROOM = "hands";
const CHOICES = ["Ramen", "Tacos", "Pizza", "Curry"];
const REACTIONS = [
  ["♥", "Heart"],
  ["★", "Star"],
  ["♪", "Song"],
];
const SIGNS = {
  connecting: "Connecting…",
  connected: "Online",
  suspended: "Reconnecting…",
  offline: "Offline",
};

/** The same on the server and in the browser: what is different comes after mounting. */
export function App() {
  return (
    <SocketProvider>
      <main>
        <header>
          <h1>Show of hands</h1>
          <Sign />
          <p>Open this page twice. Hands count as long as their page is open.</p>
        </header>
        <Poll />
        <Reactions />
      </main>
    </SocketProvider>
  );
}

function Sign() {
  const { status } = useConnection();
  return (
    <p role="status" className={`sign ${status}`}>
      {SIGNS[status]}
    </p>
  );
}

function Poll() {
  const [name, setName] = useName();
  const [choice, setChoice] = useState();
  // Shown to the others while this component is mounted; each new value is an update.
  useRoom(ROOM, {}, { presence: name && { name, choice } });
  const hands = usePresence(ROOM, (members) =>
    members.map(({ key, value, state }) => ({ key, state, name: value?.name ?? "?", choice: value?.choice })),
  );
  return (
    <>
      <h2>What is for dinner?</h2>
      <ul className="choices">
        {CHOICES.map((each) => {
          const voters = hands.filter((hand) => hand.choice === each);
          const share = voters.length / Math.max(1, hands.length);
          return (
            <li key={each}>
              <button
                type="button"
                aria-pressed={choice === each}
                style={{ "--share": share }}
                onClick={() => setChoice(choice === each ? undefined : each)}
              >
                <span className="bar" />
                <span className="what">{each}</span>
                <Faces hands={voters} />
                <span className="count">{voters.length}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <div className="people">
        <label>
          Your name
          <input value={name} maxLength={20} onChange={(event) => setName(event.target.value)} />
        </label>
        <p>
          {hands.length} here <Faces hands={hands.filter((hand) => hand.choice === undefined)} />
        </p>
      </div>
    </>
  );
}

function Faces({ hands }) {
  return (
    <span className="faces">
      {hands.map(({ key, name, state }) => (
        <span key={key} className={`face ${state}`} style={{ "--hue": hueOf(key) }} title={name}>
          {name.slice(0, 1).toUpperCase()}
        </span>
      ))}
    </span>
  );
}

function Reactions() {
  const emit = useEmit();
  const [flying, setFlying] = useState([]);
  useEvent("reaction", (reaction, id) => setFlying((before) => [...before.slice(-40), { reaction, id }]));
  const land = (id) => setFlying((before) => before.filter((each) => each.id !== id));
  return (
    <div className="reactions">
      {REACTIONS.map(([reaction, label]) => (
        <button key={reaction} type="button" aria-label={label} onClick={() => emit("react", reaction)}>
          {reaction}
        </button>
      ))}
      <div aria-hidden="true">
        {flying.map(({ reaction, id }) => (
          <span
            key={id}
            className="flying"
            style={{ left: `${(id * 37) % 90}%` }}
            onAnimationEnd={() => land(id)}
          >
            {reaction}
          </span>
        ))}
      </div>
    </div>
  );
}

/** A name that lasts as long as the tab. */
function useName() {
  const [name, setName] = useState("");
  useEffect(() => {
    const kinds = ["Coho", "Chinook", "Chum", "Masu", "Pink"];
    setName(sessionStorage.getItem("name") ?? kinds[Math.floor(Math.random() * kinds.length)]);
  }, []);
  const change = (next) => {
    setName(next);
    sessionStorage.setItem("name", next);
  };
  return [name, change];
}

function hueOf(text) {
  let hue = 0;
  for (const letter of text) hue = (hue * 31 + letter.charCodeAt(0)) % 360;
  return hue;
}
