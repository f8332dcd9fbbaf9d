/** What goes from a client's options to `http.request` and to `ws`, and on to `net.connect` and `tls.connect`. */
const SOCKET_OPTIONS = [
  "agent",
  "pfx",
  "key",
  "passphrase",
  "cert",
  "ca",
  "ciphers",
  "rejectUnauthorized",
  "localAddress",
  "family",
  "checkServerIdentity",
];

/**
 * The options of sockets and TLS among those of a client.
 *
 * @param more names of others that are wanted
 */
export function socketOptions(
  client: Readonly<Record<string, unknown>> = {},
  more: readonly string[] = [],
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of [...SOCKET_OPTIONS, ...more]) {
    const value = client[name];
    // What is undefined or null must not arrive: some TLS options (rejectUnauthorized) mean "off" then.
    if (value !== undefined && value !== null) options[name] = value;
  }
  return options;
}

/** Must what this client opens not keep the process alive? */
export function isUnref(client: Readonly<Record<string, unknown>> | undefined): boolean {
  return client?.["autoUnref"] === true;
}
