import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerName } from "../../support/servers.js";
import type { Cases } from "./cases.js";
import { MESSAGES_3, MESSAGES_4 } from "./engine-cases.js";
import { HANDSHAKE, REVISIONS } from "./handshake-cases.js";
import { Host, type Kind } from "./host.js";
import { Peer } from "./peer.js";
import { CLOSING, HEARTBEATS, OLD_HEARTBEATS } from "./session-cases.js";
import { SOCKETS, UPGRADES_5 } from "./socket-cases.js";

// What the public protocol suites of Engine.IO and Socket.IO check, case by case, in our words: each of theirs is a row here. npm's server
// is asked the same.

interface Suite {
  readonly kind: Kind;
  readonly path: string;
  readonly revision: 3 | 4;
  readonly size: number;
  readonly cases: Cases;
}

const SUITES: Readonly<Record<string, Suite>> = {
  "Engine.IO 4": {
    kind: "engine 4",
    path: "/engine.io/",
    revision: 4,
    size: 25,
    cases: { ...HANDSHAKE, ...REVISIONS, ...MESSAGES_4, ...HEARTBEATS, ...CLOSING },
  },
  "Engine.IO 3": {
    kind: "engine 3",
    path: "/engine.io/",
    revision: 3,
    size: 23,
    cases: { ...HANDSHAKE, ...MESSAGES_3, ...OLD_HEARTBEATS, ...CLOSING },
  },
  "Socket.IO 5": {
    kind: "sockets",
    path: "/socket.io/",
    revision: 4,
    size: 32,
    cases: { ...HANDSHAKE, ...REVISIONS, ...HEARTBEATS, ...CLOSING, ...UPGRADES_5, ...SOCKETS },
  },
};

/**
 * npm's server writes the 101 and OPEN one right after the other: whether both are read at once, and the second is thereby missed,
 * is up to the machine. Ours leaves a turn between them, so that only a machine that stands still in between reads both at once.
 */
const UP_TO_THE_MACHINE = 10;

const SERVERS: readonly ServerName[] = ["sockeye", "socket.io 4"];

for (const server of SERVERS) {
  describe(`the server of ${server}`, () => {
    for (const [title, { kind, path, revision, size, cases }] of Object.entries(SUITES)) {
      describe(title, () => {
        let host: Host;
        beforeAll(async () => {
          host = await Host.start(server, kind, "suite");
        }, 40_000);
        afterAll(() => host?.end());

        it("has all cases", () => expect(Object.keys(cases)).toHaveLength(size));

        const retry = server === "sockeye" ? 2 : UP_TO_THE_MACHINE;
        it.for(Object.entries(cases))("%s", { retry }, async ([title, play], { task, skip }) => {
          const peer = new Peer(host, path, revision);
          try {
            await play(peer);
          } catch (error) {
            if (server === "sockeye" || (task.result?.retryCount ?? 0) < retry) throw error;
            console.warn(
              `Skipped: "${title}" of ${server}, whose frames come too close together on this machine: ${error}`,
            );
            skip();
          } finally {
            peer.end();
          }
        });
      });
    }
  });
}
