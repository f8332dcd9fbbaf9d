import { asBuffer } from "./redis-log.js";
import type { RedisArgument } from "./scripts.js";

/** A client, as far as another one like it can be made. */
export interface Duplicable {
  duplicate(...args: never[]): unknown;
}

/** What a connection tells. */
export interface ConnectionSink {
  ready(): void;
  /** It dials again by itself. */
  lost(cause: unknown): void;
  message(channel: string, bytes: Uint8Array): void;
}

/** One connection to Redis, whatever package it is of. It comes back by itself, and keeps nothing for then. */
export interface Connection {
  subscribe(channels: readonly string[]): Promise<unknown>;
  unsubscribe(channels: readonly string[]): Promise<unknown>;
  publish(channel: string, bytes: Uint8Array): Promise<unknown>;
  /** Sends any command. Texts in the answer come as bytes. */
  ask(command: readonly RedisArgument[]): Promise<unknown>;
  /** Cuts it, for good. */
  cut(): void;
}

/** Makes one more connection, like the app's client. */
export type Dial = (sink: ConnectionSink) => Connection;

/** Makes connections like a client of one server. */
export type DialLike = (client: Duplicable) => Dial;

// ---- redis

interface NodeRedis {
  on(event: string, listener: (value: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
  subscribe(channels: readonly string[], listener: BytesListener, bytes: true): Promise<unknown>;
  sSubscribe(channels: readonly string[], listener: BytesListener, bytes: true): Promise<unknown>;
  unsubscribe(channels: readonly string[], listener: BytesListener, bytes: true): Promise<unknown>;
  sUnsubscribe(channels: readonly string[], listener: BytesListener, bytes: true): Promise<unknown>;
  publish(channel: string, bytes: Buffer): Promise<unknown>;
  sPublish(channel: string, bytes: Buffer): Promise<unknown>;
  sendCommand(command: readonly RedisArgument[], options: object): Promise<unknown>;
}
type BytesListener = (message: Uint8Array, channel: Uint8Array) => void;

/**
 * Texts as bytes: `$` and `+` are their types in Redis's protocol. Without the timeout that the package gives to each command until it is
 * written, by an AbortSignal of its own: here a command is written at once, or refused.
 */
const AS_BYTES = { typeMapping: { 36: Buffer, 43: String }, timeout: 0 };

/** @param sharded by the commands of sharded pub/sub */
export function dialNodeRedis(client: Duplicable, sharded: boolean): Dial {
  return (sink) => nodeRedis(client.duplicate(...noQueue()), sink, sharded);
}

/**
 * What is published while it is away must not come late, and what waits for a slow connection must not be dropped after some seconds, of which nobody
 * would hear: the connection is lost then, or it leaves. A timer for each message would cost as much as the rest of sending it.
 */
function noQueue(): never[] {
  return [{ disableOfflineQueue: true, commandOptions: { timeout: 0 } } as never];
}

function nodeRedis(made: unknown, sink: ConnectionSink, sharded: boolean): Connection {
  const client = made as NodeRedis;
  const listener: BytesListener = (bytes, channel) => sink.message(Buffer.from(channel).toString(), bytes);
  let cause: unknown;
  client.on("ready", () => sink.ready());
  client.on("error", (error) => {
    cause = error;
  });
  for (const event of ["reconnecting", "end", "sharded-channel-moved"])
    client.on(event, () => sink.lost(cause));
  client.connect().catch((error: unknown) => sink.lost(error));
  return {
    subscribe: (channels) =>
      sharded
        ? each(channels, (one) => client.sSubscribe([one], listener, true))
        : client.subscribe(channels, listener, true),
    unsubscribe: (channels) =>
      sharded
        ? each(channels, (one) => client.sUnsubscribe([one], listener, true))
        : client.unsubscribe(channels, listener, true),
    publish: (channel, bytes) =>
      sharded ? client.sPublish(channel, asBuffer(bytes)) : client.publish(channel, asBuffer(bytes)),
    ask: (command) => client.sendCommand(command, AS_BYTES),
    cut: () => {
      try {
        client.destroy();
      } catch {
        // It is closed already.
      }
    },
  };
}

// ---- ioredis

interface IoRedis {
  on(event: string, listener: (...values: unknown[]) => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
  subscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  publish(channel: string, bytes: Buffer): Promise<unknown>;
  spublish(channel: string, bytes: Buffer): Promise<unknown>;
  callBuffer(command: string, ...args: RedisArgument[]): Promise<unknown>;
}

/** @param sharded by the commands of sharded pub/sub */
export function dialIoRedis(client: Duplicable, sharded: boolean): Dial {
  return (sink) => ioRedis(client.duplicate(...lone()), sink, sharded);
}

/** No queue, and no subscriptions of its own accord: the bus subscribes before it says that it is up. */
function lone(): never[] {
  return [
    {
      enableOfflineQueue: false,
      autoResubscribe: false,
      lazyConnect: true,
      maxRetriesPerRequest: null,
    } as never,
  ];
}

function ioRedis(made: unknown, sink: ConnectionSink, sharded: boolean): Connection {
  const client = made as IoRedis;
  let cause: unknown;
  client.on("ready", () => sink.ready());
  client.on("error", (error) => {
    cause = error;
  });
  for (const event of ["close", "moved"]) client.on(event, () => sink.lost(cause));
  client.on(sharded ? "smessageBuffer" : "messageBuffer", (channel, bytes) => {
    if (channel instanceof Uint8Array && bytes instanceof Uint8Array)
      sink.message(Buffer.from(channel).toString(), bytes);
  });
  // It keeps trying; events tell.
  client.connect().catch(() => {});
  return {
    subscribe: (channels) =>
      sharded ? each(channels, (one) => client.ssubscribe(one)) : client.subscribe(...channels),
    unsubscribe: (channels) =>
      sharded ? each(channels, (one) => client.sunsubscribe(one)) : client.unsubscribe(...channels),
    publish: (channel, bytes) =>
      sharded ? client.spublish(channel, asBuffer(bytes)) : client.publish(channel, asBuffer(bytes)),
    ask: ([name = "", ...args]) => client.callBuffer(`${name}`, ...args),
    cut: () => client.disconnect(),
  };
}

/** In a Redis Cluster one command may only name channels of one slot. */
function each(channels: readonly string[], act: (channel: string) => Promise<unknown>): Promise<unknown> {
  return Promise.all(channels.map(act));
}
