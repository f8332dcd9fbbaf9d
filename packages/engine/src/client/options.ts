import type { TransportClass } from "@sockeye/transport/client";

/** How to reach the server. Socket.IO's names and defaults. */
export interface EngineOptions {
  /** Only for a manager without a URL. Wins over {@link hostname}. */
  host: string;
  /** The same as {@link host}. */
  hostname: string;
  port: string | number;
  /** TLS? Default: as the page. */
  secure: boolean;
  /** Path of the requests. Default `/socket.io`. */
  path: string;
  /** Puts a slash at the end of the path. Default true. */
  addTrailingSlash: boolean;
  /** Query parameters of all requests. `EIO`, `transport`, `sid`, `j` and `t` belong to the engine, and so do `resume` and `n` if it uses them. */
  query: string | Readonly<Record<string, unknown>>;
  /**
   * Names or classes; the first is opened, and the others that the server offers are tried as upgrades.
   * Default: WebSocket and polling in a {@link race}; without one, `["polling", "websocket"]`. Sockeye's servers
   * also have `"stream"` and `"sse"`. An app that is bundled for browsers imports them as classes, `StreamTransport` and `SseTransport`:
   * their names are an error there (`ERR_BAD_OPTION`). Other names that do not exist here are skipped.
   */
  transports: ReadonlyArray<string | TransportClass>;
  /** The same, classes only. Not together with {@link transports}. */
  transportImplementations: readonly TransportClass[];
  /** Goes on to the next transport if one cannot be opened, or is silent (see {@link openTimeout}). Default false: the attempt has failed. */
  tryAllTransports: boolean;
  /**
   * Dials the first transport, and the next one beside it if that has not brought the server's first packet after `delayMs`
   * milliseconds (default 250, and more on a way that is known to be slow) or has failed. The first that brings it is taken. Default: true
   * with WebSocket as the first and polling as the second, if {@link transports}, {@link transportImplementations}, {@link extraHeaders} and
   * `transportOptions.polling` are not given and {@link upgrade} is not false; otherwise false. With {@link transports}, `true` is a race of these.
   */
  race: boolean | { readonly delayMs?: number };
  /**
   * Remembers, for the next race, which transport worked and how long it took: in `localStorage`, or else in the process. For `ttlMs` milliseconds,
   * default 1800000, or until the network changes. Default true.
   */
  remember: boolean | { readonly ttlMs?: number };
  /** Tries upgrades. Default true. */
  upgrade: boolean;
  /** Begins with WebSocket if the last connection of this page ended up there. Default false. */
  rememberUpgrade: boolean;
  /** Sends bytes as base64 text. Default false. */
  forceBase64: boolean;
  /** Name of the parameter that keeps caches away. Default `t`. */
  timestampParam: string;
  /** Sends it, or not. Default: with HTTP requests only. */
  timestampRequests: boolean;
  /** Other options for one transport, by its name. */
  transportOptions: Readonly<Record<string, Partial<EngineOptions> | undefined>>;
  /** Milliseconds that one HTTP request may take. Default 0: no limit. */
  requestTimeout: number;
  /**
   * Milliseconds until the server's first packet must have come; some paths hold it back. Over `stream` and `sse`, and with
   * {@link tryAllTransports} over every transport but the last. Default 5000.
   */
  openTimeout: number;
  /**
   * Offers the server to count messages, so that a session outlives its transports: an outage that is shorter than the server's
   * window (30 seconds by default) is not seen by sockets, and nothing is lost or comes twice. Only with servers of Sockeye that
   * agree; the lean client does not offer it, nor one whose own `query` has `resume` or `n`. Default true.
   */
  resume: boolean;
  /** Sends cookies to another origin too. On Node.js: sends back the cookies that the server sets, for the length of a session. Default false. */
  withCredentials: boolean;
  /** Headers of all requests; a browser cannot add them to a WebSocket. */
  extraHeaders: Readonly<Record<string, string>>;
  /** Closes without a `disconnect` event when the page goes away. Default false. */
  closeOnBeforeunload: boolean;
  /** Keeps the timers as they were when this was loaded, also while a test has put fakes in their place. Default false. */
  useNativeTimers: boolean;
  /** Node.js: connections and timers of this manager do not keep the process alive. Default false. */
  autoUnref: boolean;
  /** WebSocket subprotocols to offer. */
  protocols: string | readonly string[];
  /** Node.js: compression of WebSocket messages, `true` or options of `ws`. Default: not offered. */
  perMessageDeflate: unknown;
  /** Node.js: TLS and socket options, as for `tls.connect`, for HTTP and WebSocket alike. Default: connections are kept for the next request. */
  agent: unknown;
  pfx: unknown;
  key: unknown;
  passphrase: string;
  cert: unknown;
  ca: unknown;
  ciphers: string;
  rejectUnauthorized: boolean;
  localAddress: string;
  protocolVersion: number;
  origin: string;
  maxPayload: number;
  family: number;
  checkServerIdentity: unknown;
}
