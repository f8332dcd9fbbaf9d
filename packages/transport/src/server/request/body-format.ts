import type { Frame, Limits } from "@sockeye/protocol";

/** How the bodies of POSTs are read. */
export interface BodyFormat {
  /**
   * How many bytes of a body a byte of its payload may become. Default 1. With more, `decodeText` sees to `maxMessageBytes`.
   */
  readonly growth?: number | undefined;
  /** @throws SockeyeError for whatever is no body of text; with the code `ERR_PACKET_TOO_LARGE` if it is too long */
  decodeText(
    body: Buffer,
    limits: Pick<Limits, "maxPacketsPerPayload" | "maxMessageBytes">,
  ): readonly Frame[];
  /** The same for a body of bytes (`application/octet-stream`). Absent: there is no such thing. */
  readonly decodeBytes?:
    | ((body: Buffer, limits: Pick<Limits, "maxPacketsPerPayload" | "maxMessageBytes">) => readonly Frame[])
    | undefined;
}
