import { afterEach, describe, expect, it } from "vitest";
import {
  type ClientName,
  loadClient,
  optionsFor,
  type Site,
  serverHalf,
  startSite,
} from "../support/servers.js";
import { collect, once } from "../support/wait.js";

// permessage-deflate between Sockeye's server and the clients of Node.js that offer it.

const CLIENTS: readonly ClientName[] = ["socket.io-client 4", "socket.io-client 3", "sockeye"];
const RECORDS = Array.from({ length: 40 }, (_, id) => ({
  id,
  name: `record ${id}`,
  tags: ["alpha", "beta"],
}));

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(perMessageDeflate: object | boolean): Promise<Site> {
  const site = await startSite("sockeye", { perMessageDeflate } as object);
  ends.push(() => site.end());
  return site;
}

async function dial(site: Site, name: ClientName) {
  const { io } = await loadClient(name);
  const client = io(site.url, { ...optionsFor("websocket"), perMessageDeflate: { threshold: 1024 } });
  ends.push(() => client.disconnect());
  await once(client, "connect");
  return client;
}

describe.each(CLIENTS)("with %s", (name) => {
  it.each([true, { threshold: 0 }, { serverNoContextTakeover: false }])(
    "broadcasts of all sizes arrive in order, and answers come back, with %j",
    async (options) => {
      const site = await serve(options);
      const clients = await Promise.all([dial(site, name), dial(site, name), dial(site, name)]);
      const large = { list: Array.from({ length: 50 }, () => RECORDS) };
      const expected = [["small"], [RECORDS], [large], [Buffer.alloc(3000, 7), "x"], ["last"]];
      const received = clients.map((client) => collect(client, "e", expected.length));
      for (const args of expected) site.io.emit("e", ...args);
      for (const all of await Promise.all(received)) expect(all).toEqual(expected);
      for (const client of clients) {
        const socket = await serverHalf(site, client);
        socket.on("echo", (value, answer) => answer(value));
        const answers = await Promise.all(
          ["a", large, RECORDS, "b"].map(
            (value) => new Promise((resolve) => client.emit("echo", value, resolve)),
          ),
        );
        expect(answers).toEqual(["a", large, RECORDS, "b"]);
      }
    },
  );
});
