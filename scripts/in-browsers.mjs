/**
 * What the packages have for browsers in the place of what they have for Node.js, as the conditions in their package.json say it: by
 * the name that is imported, a file below `packages`. For bundles that are made of the sources.
 */
export const IN_BROWSERS = {
  "#advice": "client/src/advice/none.ts",
  "#http": "transport/src/client/http-request.ts",
  "#listener-store": "socket/src/web/listener-store.ts",
  "#print-error": "client/src/print-error.ts",
  "#streams": "client/src/standard/no-streams.ts",
  "#websocket": "transport/src/client/native-websocket.ts",
  "@sockeye/codec": "codec/src/web/index.ts",
  "@sockeye/codec/payload": "codec/src/web/payload.ts",
  "@sockeye/protocol/prose": "protocol/src/web/prose.ts",
};
