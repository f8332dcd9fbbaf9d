import type { Dialer } from "./dialer.js";
import type { PageListener } from "./page.js";

/** What a session has to do with its page. @param current the dialler of the moment */
export function sessionPage(current: () => Dialer): Required<PageListener> {
  return {
    offline: () => current().offline(),
    online: () => current().networkChanged(),
    shown: () => void current().session.endIfStale(),
    leaving: () => current().leaving(),
    left: () => current().leave(),
    back: () => current().back(),
  };
}
