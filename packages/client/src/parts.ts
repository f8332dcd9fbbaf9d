import type { Codec } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";
import type { ClientProbe, Parser } from "@sockeye/session";
import type { TransportClass } from "@sockeye/transport/web";
import { WebSocketTransport } from "@sockeye/transport/web";

/** What a class of managers knows. Bundlers leave out what no class names. */
export interface Parts {
  /** The transports that may be named in the options. */
  readonly transports: readonly TransportClass[];
  /** Tries a better transport beside the one in use. Without it a connection stays on its first. */
  readonly probe: ClientProbe | undefined;
  /** Reads the option `parser`. @throws UsageError `ERR_BAD_OPTION` */
  codecOf(parser: Parser | Codec): Codec;
}

/** The fewest: WebSocket, and codecs as they are. */
export const leanParts: Parts = {
  transports: [WebSocketTransport],
  probe: undefined,
  codecOf: (parser) => {
    if ("decoder" in parser) return parser;
    throw new UsageError("ERR_BAD_OPTION", "the parser must be a codec here");
  },
};
