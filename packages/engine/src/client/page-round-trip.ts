/** Most servers keep the connection over which a page came for so many milliseconds: Node.js for 5 s. */
const KEPT_MS = 5000;

/**
 * Milliseconds of a round trip to a server that has just given the page, as the browser has measured it for the page itself: undefined for any
 * other server, outside of pages, and as soon as the connection of the page may be gone.
 *
 * @param url with the port
 */
export function pageRoundTrip(url: string): number | undefined {
  try {
    // Some old browsers have neither.
    const { location, performance } = globalThis;
    const { protocol, hostname, port } = location;
    const origin = `${protocol}//${hostname}:${port || (protocol === "https:" ? 443 : 80)}/`;
    const [page] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
    if (!page || url.indexOf(origin) !== 0 || performance.now() > page.responseStart + KEPT_MS)
      return undefined;
    // TCP's own handshake is one round trip, whatever the server does. A connection that was there has none.
    const opened = (page.secureConnectionStart || page.connectEnd) - page.connectStart;
    return opened > 0 ? opened : page.responseStart - page.requestStart;
  } catch {
    return undefined;
  }
}
