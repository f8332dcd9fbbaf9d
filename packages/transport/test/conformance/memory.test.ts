import { transportSuite } from "@sockeye/conformance";
import { memoryPair } from "@sockeye/transport/memory";

transportSuite("memory", async (server, client) => {
  const { a, b } = memoryPair();
  a.bind(server);
  b.bind(client);
  return { server: a, client: b, close: async () => {} };
});
