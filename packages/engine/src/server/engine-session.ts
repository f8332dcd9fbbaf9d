import type { Claim, CloseReason, EncodedPacket, Limits, SessionError, Transport } from "@sockeye/protocol";
import type { SessionSink } from "@sockeye/session";
import { GAP, sizeOf } from "@sockeye/session";
import { Continuations, type KnownSession, type Turns } from "@sockeye/transport/server";
import type { Conversation, TransportTaker } from "./conversation.js";
import type { Leaving } from "./drain.js";
import type { FirstRequest } from "./first-request.js";
import type { Holder } from "./memory-budget.js";
import { Account } from "./memory-budget.js";

/** What stands above one session. No method may throw. */
export interface EngineSessionSink extends SessionSink {
  /** Is something under way that should be finished before the session is sent away? Default: never. */
  readonly busy?: boolean;
  /** OPEN is queued, and the app knows of the session: what is sent from now on comes behind. */
  started?(): void;
  /** The transport is lost, and the session waits for its client. */
  suspended?(reason: CloseReason, cause: Error | undefined): void;
  /** Its client is back, over another transport. */
  resumed?(): void;
}

/** What stands above an engine. */
export interface EngineSink<Above extends EngineSessionSink = EngineSessionSink> {
  /**
   * A session begins. It may be used from {@link EngineSessionSink.started} on.
   *
   * @returns what hears of it
   */
  opened(session: EngineSession<Above>): Above;
}

/** How a session is made. */
export interface EngineSessionParts<Above extends EngineSessionSink> {
  readonly first: FirstRequest;
  readonly above: EngineSink<Above>;
  readonly limits: Pick<Limits, "maxProcessBytes">;
  /** How much may be handled at once. */
  readonly turns: Turns;
  /** Makes the session itself. Without a taker it stays on its transport. */
  converse(sink: SessionSink): { readonly conversation: Conversation; readonly taker?: TransportTaker };
}

/** A session of the engine: with the request that opened it, what is held in memory for it, and what stands above. */
export class EngineSession<Above extends EngineSessionSink = EngineSessionSink>
  implements KnownSession, Holder, Leaving
{
  readonly first: FirstRequest;
  readonly sink: Above;
  readonly #turns: Turns;
  /** What has waited for the app and may continue. */
  #goingOn: Continuations | undefined = undefined;
  /** A property and not a method around each of its methods, since every packet passes here. */
  readonly conversation: Conversation;
  readonly #taker: TransportTaker | undefined;
  readonly #limits: Pick<Limits, "maxProcessBytes">;
  /** What is held in memory for it, as long as there is anything. */
  #account: Account | undefined = undefined;

  constructor({ first, above, limits, turns, converse }: EngineSessionParts<Above>) {
    this.first = first;
    this.#turns = turns;
    this.#limits = limits;
    this.sink = above.opened(this);
    const { conversation, taker } = converse(this.sink);
    this.conversation = conversation;
    this.#taker = taker;
  }

  get id(): string {
    return this.conversation.id;
  }

  get transport(): Transport | undefined {
    return this.conversation.transport;
  }

  get protocol(): 3 | 4 {
    return this.first.protocol;
  }

  /** Would another transport be taken now? */
  get upgradable(): boolean {
    const { state, upgraded } = this.conversation;
    return state === "open" && !upgraded;
  }

  /** Is one being tried? */
  get probing(): boolean {
    return this.conversation.probing === true;
  }

  /** When its time to ping, or that of the client to answer, is over. */
  get dueAt(): number | undefined {
    return this.conversation.dueAt;
  }

  get counted(): boolean {
    return this.conversation.counted !== undefined;
  }

  /** Is its transport lost? */
  get suspended(): boolean {
    return this.conversation.state === "suspended";
  }

  get busy(): boolean {
    return this.sink.busy === true;
  }

  /**
   * Something that has waited for the app is to continue: has this turn of the event loop no time for it? Then `goOn` is called once one
   * has. It must not throw.
   */
  delays(goOn: () => void): boolean {
    this.#goingOn ??= new Continuations(this.#turns);
    if (this.#goingOn.goesOn()) return false;
    this.#goingOn.add(goOn);
    return true;
  }

  /** Does anything wait for that? */
  get delaying(): boolean {
    return this.#goingOn?.waits === true;
  }

  /** Another transport wants to take over. */
  offer(transport: Transport): void {
    if (this.#taker) this.#taker.offer(transport);
    else transport.close("goodbye");
  }

  /** A client says that it continues over another transport. @returns false if it has not proved that it may */
  acceptClaim(transport: Transport, claim: Claim): boolean {
    return this.#taker?.acceptClaim(transport, claim) === true;
  }

  /** Its client has started over at another node, which could not lead it here. @returns false if it has not proved that it may */
  abandon({ secret }: Pick<Claim, "secret">): boolean {
    if (this.#taker?.proves(secret) !== true) return false;
    this.leave();
    return true;
  }

  /** The client has gone, whatever has become of its transport. */
  leave(): void {
    this.conversation.end?.({ reason: "transport close", transport: "dead" });
  }

  /** The server goes away, and the client is to find another. What is queued is still written. */
  sendAway(): void {
    this.#taker?.tellLast();
    this.conversation.close("server shutting down");
  }

  /** The server goes away, now. */
  shutDown(): void {
    this.#taker?.tellLast();
    this.conversation.terminate("server shutting down");
  }

  /** Ends it for something that its client has done; what is queued is lost. */
  expel(cause: SessionError): void {
    const { conversation } = this;
    if (conversation.end) conversation.end({ reason: "forced server close", cause });
    else conversation.close("forced server close");
  }

  // ---- what is held in memory for it

  /** Does anything bound that? */
  get bounded(): boolean {
    return this.#limits.maxProcessBytes < Number.POSITIVE_INFINITY;
  }

  /** What stands above holds so much more for it, or less. */
  keep(bytes: number): void {
    if (!this.bounded || bytes === 0) return;
    this.#account ??= new Account(this, this.#limits.maxProcessBytes);
    this.#account.add(bytes);
    if (this.#account.bytes === 0) this.#account = undefined;
  }

  /**
   * What the conversation holds may have changed.
   *
   * @param gone nothing that was sent is held, and nothing else has changed
   */
  refresh(gone?: boolean): void {
    if (this.#account === undefined && (gone || !this.bounded || this.heldBytes() === 0)) return;
    this.#account ??= new Account(this, this.#limits.maxProcessBytes);
    this.#account.refresh();
    if (this.#account.bytes === 0) this.#account = undefined;
  }

  // ---- from the budget

  heldBytes(): number {
    const { transport, bufferedBytes, counted, decoder } = this.conversation;
    const gathered = (transport?.gatheredBytes ?? 0) + (decoder?.waitingBytes ?? 0);
    return bufferedBytes + gathered + (counted?.retainedBytes ?? 0);
  }

  eachPacket(visit: (packet: EncodedPacket, bytes: number) => void): void {
    for (const packets of this.conversation.packets ?? []) {
      for (const packet of packets) if (packet !== GAP) visit(packet, sizeOf(packet));
    }
  }

  shed(error: SessionError): void {
    const { conversation } = this;
    if (conversation.end)
      conversation.end({ reason: "forced server close", cause: error, transport: "shed" });
    else conversation.terminate("forced server close");
    // The session may have ended before, and its transport still write the rest.
    conversation.transport?.close?.("shed", error);
  }
}
