import { Chat } from "../src/chat";

/** Rendered on the server; the chat connects in the browser. */
export default function Page() {
  return <Chat />;
}
