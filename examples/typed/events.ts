// What goes over the wire, in both directions. Server and client import it, and neither can send or expect anything else.

export interface Place {
  readonly x: number;
  readonly y: number;
}

export interface ClientToServer {
  move: (to: Place) => void;
  /** Answers with the new name, or with null if it is taken (JSON has no undefined). */
  rename: (name: string, reply: (name: string | null) => void) => void;
}

export interface ServerToClient {
  moved: (name: string, to: Place) => void;
  /** Asks; `io.timeout(ms).emitWithAck()` collects the answers. */
  ready: (round: number, reply: (yes: boolean) => void) => void;
}

/** Between servers, for `io.serverSideEmit()`. */
export interface BetweenServers {
  round: (round: number) => void;
}

/** `socket.data` */
export interface Player {
  name: string;
  place: Place;
}
