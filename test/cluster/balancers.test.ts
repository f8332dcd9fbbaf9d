// No sticky sessions behind what people really put in front of their nodes.
import { describe, expect, test } from "vitest";
import { BALANCERS } from "./balancers.js";
import { atEnd } from "./site.js";
import { PEERS, talkingNodes, talks } from "./talking.js";

for (const { name, start } of BALANCERS) {
  describe.skipIf(start === undefined)(`behind ${name}, round robin for each request`, () => {
    test.each(PEERS)(
      "%s talks over %s, and no node says that a session is unknown",
      async (_client, way, dial, transports) => {
        const { nodes, unknown } = await talkingNodes();
        const asked = new Set<number>();
        for (const { http, port } of nodes) {
          http.prependListener("request", () => asked.add(port));
          http.prependListener("upgrade", () => asked.add(port));
        }
        const balancer = await start?.(nodes.map(({ port }) => port));
        atEnd(() => balancer?.stop());
        await talks(`http://127.0.0.1:${balancer?.port}`, nodes, dial, transports);
        expect(unknown).toEqual([]);
        // A WebSocket alone is one request. The others did go everywhere.
        expect(asked.size).toBe(way === "websocket" ? 1 : way === "an upgrade" ? Math.max(asked.size, 2) : 3);
      },
    );
  });
}
