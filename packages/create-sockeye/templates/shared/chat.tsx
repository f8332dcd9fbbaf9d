"use client";
import { type FormEvent, useState } from "react";
import type { Message } from "./contract";
import { SocketProvider, useCall, useConnection, usePresence, useRoom } from "./socket";

export function Chat() {
  return (
    <SocketProvider>
      <main>
        <header>
          <h1>Chat</h1>
          <Sign />
        </header>
        <Talk />
      </main>
    </SocketProvider>
  );
}

function Sign() {
  const { status } = useConnection();
  const here = usePresence("chat", (members) => members.length);
  return (
    <p role="status" className={status}>
      {status === "connected" ? `${here} here` : `${status}…`}
    </p>
  );
}

function Talk() {
  const [messages, setMessages] = useState<(Message & { key: number })[]>([]);
  const [name, setName] = useState("");
  const [text, setText] = useState("");
  const { call: say, error } = useCall("say");
  useRoom(
    "chat",
    { said: (message) => setMessages((all) => [...all, { ...message, key: all.length }]) },
    { since: "last:50", presence: { name } },
  );
  const send = (event: FormEvent) => {
    event.preventDefault();
    say({ from: name || "Somebody", text });
    setText("");
  };
  return (
    <>
      <ol aria-label="Messages" aria-live="polite" tabIndex={0}>
        {messages.map(({ key, from, text: said }) => (
          <li key={key}>
            <b>{from}</b> {said}
          </li>
        ))}
      </ol>
      {error instanceof Error && <p role="alert">{error.message}</p>}
      <form onSubmit={send}>
        <input
          aria-label="Your name"
          placeholder="Name"
          maxLength={30}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <input
          aria-label="Message"
          placeholder="Message"
          maxLength={500}
          required
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit">Send</button>
      </form>
    </>
  );
}
