// What a client does that has read how nodes talk, on a cluster of two.
import { io as dial, type Socket } from "socket.io-client";
import { expect, it } from "vitest";
import { once } from "../support/wait.js";
import { atEnd, type Node, startNodes } from "./site.js";

async function enter({ url }: Node): Promise<Socket> {
  const client = dial(url, { transports: ["websocket"], forceNew: true, reconnection: false });
  atEnd(() => client.disconnect());
  await once(client, "connect");
  return client;
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

it("answers as deep as clients may give them cost nobody else's answer", async () => {
  const [a, b] = (await startNodes(["a", "b"])) as [Node, Node];
  const [deep, plain] = [await enter(b), await enter(b)];
  const answer = nested(99);
  deep.on("ask", (ack: (value: unknown) => void) => ack(answer));
  plain.on("ask", (ack: (value: unknown) => void) => ack("plain"));
  const answers = await a.io.timeout(5000).emitWithAck("ask");
  expect(answers).toHaveLength(2);
  expect(answers).toContainEqual(answer);
  expect(answers).toContain("plain");
});
