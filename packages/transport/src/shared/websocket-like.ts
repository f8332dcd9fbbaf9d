/**
 * What a dialling transport needs of a WebSocket: the part of the browser's interface that every implementation has.
 * `node/client-websocket.ts` and `web/native-websocket.ts` give one; the package's `imports` map chooses between them.
 */
export interface WebSocketLike {
  /** How bytes arrive: `arraybuffer`, or what else an implementation has. */
  binaryType: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /** Bytes that `send` has taken and the network has not. */
  readonly bufferedAmount: number;
  onopen: Listener<unknown> | null;
  onmessage: Listener<WebSocketMessage> | null;
  /** Comes last, after `onerror` if there was an error, and always. */
  onclose: Listener<WebSocketClose> | null;
  onerror: Listener<unknown> | null;
  /** Is told of bytes that came in, whole messages or not. Where the platform lets us. */
  onbytes?: ((bytes: number) => void) | null;
  /** @param options whether the frame may be compressed; where the platform lets us decide */
  send(frame: string | Uint8Array<ArrayBuffer>, options?: { readonly compress: boolean }): void;
  close(code?: number): void;
  /** With {@link uncork}: what is sent between the two leaves in one write. Where the platform lets us. */
  cork?(): void;
  uncork?(): void;
}

export interface WebSocketMessage {
  readonly data: string | ArrayBuffer | Uint8Array;
}

export interface WebSocketClose {
  readonly code: number;
  readonly reason: string;
}

// Written as a method, so that a platform's own, more exact event types fit.
type Listener<E> = { listener(event: E): void }["listener"];
