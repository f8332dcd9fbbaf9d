import { type Room, UsageError } from "@sockeye/protocol";

const CLUSTER_NAME = /^[\w.-]{1,64}$/;

/** The name of a cluster is part of its topics, so that two apps on one engine do not meet. @throws UsageError `ERR_BAD_OPTION` */
export function requireClusterName(name: unknown): void {
  if (typeof name === "string" && CLUSTER_NAME.test(name)) return;
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option cluster.name must be 1 to 64 letters, digits, dots, hyphens or underscores, not ${JSON.stringify(name)}.`,
  );
}

/** The topics of one group: those of the cluster itself, or of one of its namespaces, whose order is kept together. */
export class Topics {
  readonly #prefix: string;
  /** Everybody of the group hears it. */
  readonly wide: string;

  /** @param namespace left out: the cluster itself */
  constructor(cluster: string, namespace = "") {
    this.#prefix = `{${cluster}${namespace.replace(/[%{}]/g, encodeURIComponent)}}`;
    this.wide = wideOf(this.#prefix);
  }

  get group(): string {
    return this.#prefix;
  }

  /** One node hears it. */
  node(id: string): string {
    return nodeOf(this.#prefix, id);
  }

  /** The nodes hear it that have members of the room. */
  room(room: string): string {
    return `${this.#prefix}#${room}`;
  }

  /** The same in one piece, for what is kept: a text that was put together keeps its parts, too. */
  roomToKeep(room: Room): string {
    return [this.#prefix, "#", room].join("");
  }

  /** The room that a topic of this group stands for. */
  roomOf(topic: string): string | undefined {
    return topic.charAt(this.#prefix.length) === "#" ? topic.slice(this.#prefix.length + 1) : undefined;
  }
}

export function wideOf(group: string): string {
  return `${group}*`;
}

export function nodeOf(group: string, node: string): string {
  return `${group}@${node}`;
}

/** The group of a topic. */
export function groupOf(topic: string): string {
  return topic.slice(0, topic.indexOf("}") + 1);
}

/** Does a node hear all that is said under this numbered topic? */
export function isFor(topic: string, node: string): boolean {
  return topic.endsWith("}*") || topic.endsWith(`}@${node}`);
}

/** Are messages of a topic numbered? Of rooms there are too many. */
export function isNumbered(topic: string): boolean {
  return topic.charAt(topic.indexOf("}") + 1) !== "#";
}
