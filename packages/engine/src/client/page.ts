/**
 * What happens to the page:
 *
 * - `offline`: the network is gone, says the browser; `online`: it is there again, or is another one
 * - `shown`: the page is seen again
 * - `leaving`: it is about to go away; it may stay, if its reader wants that
 * - `left`: it goes away. Nothing of it runs any more, unless it is `back`, as it was. Told twice
 */
export type PageEvent = "offline" | "online" | "shown" | "leaving" | "left" | "back";

export type PageListener = (event: PageEvent) => void;

/** Chromium's; the network that the page has. `type` changes with it, the other properties all the time. Cordova's has no events. */
interface WithConnection {
  readonly connection?: Partial<EventTarget> & { readonly type?: string };
}

const listeners = new Set<PageListener>();

// A service worker must add its handlers while its script is evaluated. Platforms that are no browsers may have any part of this, and a
// part of such a part.
try {
  listen("offline", () => tell("offline"));
  listen("online", () => tell("online"));
  // Of the document, from which it bubbles.
  listen("visibilitychange", () => {
    if (!globalThis.document?.hidden) tell("shown");
  });
  listen("beforeunload", () => tell("leaving"));
  // Twice, since Firefox stops the script that runs at the moment when a tab is closed, and only that.
  for (let time = 0; time < 2; time++) listen("pagehide", () => tell("left"));
  listen("pageshow", (event) => {
    if ((event as PageTransitionEvent | undefined)?.persisted) tell("back");
  });
  const { connection } = (globalThis.navigator ?? {}) as WithConnection;
  let type = connection?.type;
  connection?.addEventListener?.("change", () => {
    if (connection.type !== type) tell("online");
    type = connection.type;
  });
} catch {
  // Without them losses are noticed later.
}

export function watchPage(listener: PageListener): void {
  listeners.add(listener);
}

export function unwatchPage(listener: PageListener): void {
  listeners.delete(listener);
}

function listen(event: string, act: (event?: Event) => void): void {
  globalThis.addEventListener?.(event, act);
}

function tell(event: PageEvent): void {
  for (const listener of [...listeners]) listener(event);
}
