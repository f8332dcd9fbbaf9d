/** What requests and WebSockets are dialled with. Browsers take the headers at most, and let cookies be. */
export interface DialOptions {
  /** Headers of each request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Should cookies go to another origin? On Node.js: should cookies that the server sets be sent back at all? */
  readonly withCredentials?: boolean | undefined;
  /** Options of the client, of which those of sockets and TLS are taken. What is undefined is not passed on. */
  readonly client?: Readonly<Record<string, unknown>> | undefined;
  /** Stands for the session. Node.js: cookies and HTTP connections are shared by all that is dialled for it, and by nothing else. */
  readonly session?: object | undefined;
}
