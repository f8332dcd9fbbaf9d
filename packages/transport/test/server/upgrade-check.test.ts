import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gateServer } from "./gate-server.js";
import { RawConnection, upgradeRequest } from "./raw-client.js";

const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";

type Headers = Record<string, string | undefined>;

const KEY = "Sec-WebSocket-Key";
const VERSION = "Sec-WebSocket-Version";
const PROTOCOL = "Sec-WebSocket-Protocol";

const rows: readonly (readonly [name: string, headers: Headers, status: number])[] = [
  ["nothing special", {}, 101],
  ["version 8", { [VERSION]: "8" }, 101],
  ["version 12", { [VERSION]: "12" }, 400],
  ["version 13, 8", { [VERSION]: "13, 8" }, 400],
  ["no version", { [VERSION]: undefined }, 400],
  ["an Upgrade in capitals", { Upgrade: "WebSocket" }, 101],
  ["another Upgrade", { Upgrade: "h2c" }, 400],
  ["two Upgrades", { Upgrade: "websocket, h2c" }, 400],
  ["no key", { [KEY]: undefined }, 400],
  ["an empty key", { [KEY]: "" }, 400],
  ["a short key", { [KEY]: "dGhlIHNhbXBsZSBub25jZ===" }, 400],
  ["a long key", { [KEY]: "dGhlIHNhbXBsZSBub25jZQA=" }, 400],
  ["a key without padding", { [KEY]: "dGhlIHNhbXBsZSBub25jZQ" }, 400],
  ["a key that is not base64", { [KEY]: "dGhlIHNhbXBsZSBub25jZ_==" }, 400],
  ["a key with signs", { [KEY]: "+/hlIHNhbXBsZSBub25jZQ==" }, 101],
  ["a subprotocol", { [PROTOCOL]: "chat" }, 101],
  ["several subprotocols", { [PROTOCOL]: "a ,\tb, c" }, 101],
  ["a repeated subprotocol", { [PROTOCOL]: "a, b, a" }, 400],
  ["an empty subprotocol", { [PROTOCOL]: "" }, 400],
  ["a missing subprotocol", { [PROTOCOL]: "a,,b" }, 400],
  ["a subprotocol of two words", { [PROTOCOL]: "a b" }, 400],
  ["a subprotocol that is no token", { [PROTOCOL]: "a(b)" }, 400],
  ["a comma at the end", { [PROTOCOL]: "a," }, 400],
  ["an extension", { "Sec-WebSocket-Extensions": "permessage-deflate" }, 101],
  ["a malformed extension", { "Sec-WebSocket-Extensions": ";;,permessage-deflate; x=" }, 101],
];

/** Status line and headers of the answer, without those that tell about a body. */
async function answer(port: number, headers: Headers): Promise<{ status: number; head: string[] }> {
  const connection = RawConnection.to(port).write(upgradeRequest(WEBSOCKET, headers));
  await connection.until("\r\n\r\n");
  connection.reset();
  const [line = "", ...lines] = (connection.received.split("\r\n\r\n")[0] as string).split("\r\n");
  const head = lines.filter((text) => !text.startsWith("Content-")).sort();
  return { status: Number(line.split(" ")[1]), head };
}

describe("the request for a WebSocket", () => {
  it.each(rows)("with %s is answered as by ws", async (_name, headers, status) => {
    const theirs = await answer((await gateServer({ webSockets: "ws" })).port, headers);
    expect(theirs.status).toBe(status);
    expect(await answer((await gateServer()).port, headers)).toEqual(theirs);
  });

  it("with any list of subprotocols is answered as by ws", async () => {
    const [own, ws] = [await gateServer(), await gateServer({ webSockets: "ws" })];
    const list = fc.string({
      unit: fc.constantFrom("a", "b", "~", ",", " ", "\t", "(", '"', "é"),
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(list, async (offered) => {
        const headers = { [PROTOCOL]: offered };
        expect(await answer(own.port, headers)).toEqual(await answer(ws.port, headers));
      }),
      { numRuns: 150 },
    );
  });

  it("has its key answered", async () => {
    const { head } = await answer((await gateServer()).port, {});
    // The example of RFC 6455, section 1.3.
    expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  it("is left to ws if compression with context takeover is on and offered, and only then", async () => {
    const { port, acceptor } = await gateServer({ perMessageDeflate: { serverNoContextTakeover: false } });
    await answer(port, {});
    await answer(port, { "Sec-WebSocket-Extensions": "permessage-deflate" });
    const names = [...acceptor.sessions.values()].map(({ transport }) => transport.constructor.name);
    expect(names).toEqual(["OwnWebSocketPipe", "WebSocketPipe"]);
  });
});
