import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { useEvent, useSocket, useStatus } from "./use-socket.js";

const SHOWN = {
  connecting: "Reconnecting\u2026",
  connected: "connected",
  suspended: "Reconnecting\u2026",
  offline: "not connected",
};

function Counter() {
  const socket = useSocket();
  const status = useStatus(socket);
  const [count, setCount] = useState(0);
  useEvent(socket, "count", setCount);
  return (
    <section>
      <p role="status" className={status}>
        {SHOWN[status]}
      </p>
      <button type="button" className="main big" onClick={() => socket.emit("add", 1)}>
        {count}
      </button>
    </section>
  );
}

function App() {
  const [shown, setShown] = useState(true);
  return (
    <main>
      <header>
        <h1>Everybody counts</h1>
        <p>Open this page twice and click the number.</p>
      </header>
      <label>
        <input type="checkbox" checked={shown} onChange={() => setShown(!shown)} /> count along
      </label>
      {shown && <Counter />}
    </main>
  );
}

createRoot(document.querySelector("#app")).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
