import { request } from "node:http";
import type { Clock } from "@sockeye/protocol";
import type { Member } from "../../membership.js";
import { placeOf } from "../place.js";
import { linkKey, SIGNATURE_HEADER, Signer } from "../signature.js";
import type { ForwardableRequest, ForwardTerms } from "../terms.js";
import { AskingEnd } from "./asking.js";
import { LINK_VERSIONS } from "./frames.js";

/** What is written in `Upgrade` to open a link, and the header that names the version. */
export const LINK_PROTOCOL = "sockeye-link";
export const LINK_VERSION_HEADER = "x-sockeye-link";

/** How long a node may take to open a link. */
const DIAL_MS = 5_000;
/** A node without links may be one of before there were any: it is asked again after so long. */
const RETRY_MS = 30_000;

export interface LinksTerms {
  /** The id of this node. */
  readonly id: string;
  readonly secret: string | undefined;
  readonly clock: Clock;
  /** A link broke, and nobody listens there any more. */
  dead(node: string): void;
}

interface Way {
  link: AskingEnd | undefined;
  /** When it may be tried again. */
  retryAt: number;
}

/** One link to each node that requests were passed on to. It is opened with the first; until it is open, and where there is none, they go another way. */
export class Links {
  readonly #terms: LinksTerms;
  readonly #signer: Signer;
  readonly #ways = new Map<string, Way>();
  #isClosed = false;

  constructor(terms: LinksTerms) {
    this.#terms = terms;
    this.#signer = new Signer(terms.id);
  }

  /** @returns false if there is no link now */
  request(visit: ForwardableRequest, to: Member, terms: ForwardTerms): boolean {
    const way = this.#ways.get(to.id);
    if (way?.link) return way.link.request(visit, terms);
    if (!this.#isClosed && (way?.retryAt ?? 0) <= this.#terms.clock.now()) this.#dial(to, false);
    return false;
  }

  /** A node has left, and ends its link behind its last words. Or it is taken to be dead: what is under way is not waited for. */
  gone(node: string, isDead: boolean): void {
    const way = this.#ways.get(node);
    this.#ways.delete(node);
    if (isDead) way?.link?.close();
  }

  close(): void {
    this.#isClosed = true;
    for (const node of [...this.#ways.keys()]) this.gone(node, true);
  }

  /** @param again there was a link, which broke */
  #dial(to: Member, again: boolean): void {
    const { secret, clock, dead } = this.#terms;
    const way: Way = { link: undefined, retryAt: clock.now() + RETRY_MS };
    this.#ways.set(to.id, way);
    const isCurrent = (): boolean => this.#ways.get(to.id) === way;
    const [method, path] = ["GET", `/link?${LINK_VERSIONS.join("-")}`];
    const facts = { address: "", corsAnswer: undefined };
    const dialling = request({
      agent: false,
      ...placeOf(to),
      method,
      path,
      headers: {
        Connection: "Upgrade",
        Upgrade: LINK_PROTOCOL,
        [SIGNATURE_HEADER]: this.#signer.sign(linkKey(to.key, secret), { method, url: path }, facts),
      },
      timeout: DIAL_MS,
    });
    dialling.on("upgrade", (answer, socket, head) => {
      if (!isCurrent() || Number(answer.headers[LINK_VERSION_HEADER]) !== LINK_VERSIONS[1]) {
        socket.destroy();
        return;
      }
      socket.setTimeout(0);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, DIAL_MS);
      way.link = new AskingEnd(socket, head, () => {
        if (isCurrent()) this.#dial(to, true);
      });
    });
    dialling.on("response", () => dialling.destroy());
    dialling.on("timeout", () => dialling.destroy());
    dialling.on("error", (error: NodeJS.ErrnoException) => {
      if (!isCurrent() || error.code !== "ECONNREFUSED") return;
      way.retryAt = clock.now();
      if (again) dead(to.id);
    });
    dialling.end();
  }
}

/** The newest version that both ends speak of those that are offered. */
export function versionFor(url: string): number | undefined {
  const [, oldest, newest] = /^\/link\?(\d{1,4})-(\d{1,4})$/.exec(url) ?? [];
  const version = Math.min(Number(newest), LINK_VERSIONS[1]);
  return version >= Math.max(Number(oldest), LINK_VERSIONS[0]) ? version : undefined;
}
