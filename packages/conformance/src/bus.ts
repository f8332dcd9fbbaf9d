import type { Bus, BusSink } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";

/** An engine of buses, while the suite tries it. */
export interface BusBench {
  /** A bus for one more node, not open yet. */
  makeBus(): Bus | Promise<Bus>;
  /** Comes back once a condition holds, and fails if it never does. The bench moves the time. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Breaks what the buses hang on, and mends it: none may be up meanwhile. Absent: the engine cannot be broken alone. */
  breakDown?(): Promise<void>;
  repair?(): Promise<void>;
  close?(): Promise<void>;
  /** What breaks down loses what it has kept. */
  readonly forgets?: boolean;
}

/** Hears a bus. */
class Ear implements BusSink {
  readonly heard: string[] = [];
  readonly inForce = new Set<string>();
  readonly states: string[] = [];

  message(topic: string, bytes: Uint8Array): void {
    this.heard.push(`${topic} ${Buffer.from(bytes).toString()}`);
  }

  subscribed(topics: readonly string[]): void {
    for (const topic of topics) this.inForce.add(topic);
  }

  up(gap: boolean): void {
    this.states.push(gap ? "up, gap" : "up");
  }

  down(cause: Error): void {
    expect(cause).toMatchObject({ code: "ERR_BUS_DOWN" });
    this.states.push("down");
  }
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

/** What every Bus must do. */
export function busSuite(name: string, makeBench: () => BusBench | Promise<BusBench>): void {
  describe(`${name} is a Bus`, () => {
    let bench: BusBench;
    const open: Bus[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((bus) => bus.close()));
      await bench?.close?.();
    });

    const define = (title: string, body: (bench: BusBench) => Promise<void>): void => {
      it(title, async () => {
        bench = await makeBench();
        await body(bench);
      });
    };
    const begin = async (topics: readonly string[]): Promise<{ bus: Bus; ear: Ear }> => {
      const bus = await bench.makeBus();
      open.push(bus);
      const ear = new Ear();
      bus.subscribe(topics);
      await bus.open(ear);
      await bench.until(() => topics.every((topic) => ear.inForce.has(topic)), "subscriptions in force");
      return { bus, ear };
    };

    define(
      "a message reaches all that have subscribed, the sender too, and nobody else",
      async ({ until }) => {
        const [a, b, c] = [
          await begin(["{x}one", "{x}two"]),
          await begin(["{x}one"]),
          await begin(["{x}two"]),
        ];
        a.bus.publish("{x}one", bytes("hello"));
        a.bus.publish("{x}two", bytes("end"));
        await until(() => a.ear.heard.length === 2 && c.ear.heard.length === 1, "messages");
        await until(() => b.ear.heard.length === 1, "the other's message");
        expect(a.ear.heard).toEqual(["{x}one hello", "{x}two end"]);
        expect(b.ear.heard).toEqual(["{x}one hello"]);
        expect(c.ear.heard).toEqual(["{x}two end"]);
      },
    );

    define("within a group nothing overtakes, over all topics", async ({ until }) => {
      const topics = ["{x}one", "{x}two", "{x}three"];
      const [a, b] = [await begin(topics), await begin(topics)];
      const sent = Array.from({ length: 300 }, (_, n) => `${topics[(n * 7) % 3]} ${n}`);
      for (const message of sent) {
        const [topic = "", text = ""] = message.split(" ");
        a.bus.publish(topic, bytes(text));
      }
      await until(() => b.ear.heard.length === sent.length && a.ear.heard.length === sent.length, "all");
      expect(b.ear.heard).toEqual(sent);
      expect(a.ear.heard).toEqual(sent);
    });

    define("bytes of any value and length arrive as they were", async ({ until }) => {
      const { bus, ear } = await begin(["{x}one"]);
      const got: Uint8Array[] = [];
      ear.message = (_topic, part) => got.push(part);
      const sent = [
        new Uint8Array(),
        Uint8Array.from({ length: 256 }, (_, n) => n),
        new Uint8Array(200_000).fill(13),
      ];
      for (const part of sent) bus.publish("{x}one", part);
      await until(() => got.length === sent.length, "all");
      expect(got.map((part) => Buffer.from(part).equals(Buffer.from(sent[got.indexOf(part)] ?? [])))).toEqual(
        [true, true, true],
      );
      expect(bus.maxBytes).toBeGreaterThan(200_000);
    });

    define("a topic may be subscribed to later, and left", async ({ until }) => {
      const { bus, ear } = await begin(["{x}one"]);
      const topics = Array.from({ length: 200 }, (_, n) => `{x}#room ${n} ü`);
      bus.subscribe(topics);
      await until(() => topics.every((topic) => ear.inForce.has(topic)), "subscriptions in force");
      bus.publish(topics[150] ?? "", bytes("in"));
      await until(() => ear.heard.length === 1, "a message");
      bus.unsubscribe(topics);
      ear.inForce.clear();
      // What is confirmed after it shows that the other is done.
      bus.subscribe(["{x}late"]);
      await until(() => ear.inForce.has("{x}late"), "a subscription in force");
      bus.publish(topics[150] ?? "", bytes("out"));
      bus.publish("{x}one", bytes("end"));
      await until(() => ear.heard.length === 2, "a message");
      expect(ear.heard).toEqual([`${topics[150]} in`, "{x}one end"]);
    });

    define("one that is subscribed to again is confirmed again", async ({ until }) => {
      const { bus, ear } = await begin(["{x}one"]);
      ear.inForce.clear();
      bus.subscribe(["{x}one"]);
      await until(() => ear.inForce.has("{x}one"), "a subscription in force");
      bus.publish("{x}one", bytes("once"));
      bus.publish("{x}one", bytes("end"));
      await until(() => ear.heard.length === 2, "messages");
      expect(ear.heard).toEqual(["{x}one once", "{x}one end"]);
    });

    define(
      "reconnects when it is told to: it tells of a gap, and hears what it had subscribed to",
      async ({ until }) => {
        const [a, b] = [await begin(["{x}one"]), await begin(["{x}one"])];
        b.bus.restart();
        await until(() => b.ear.states.includes("up, gap"), "up again");
        expect(b.ear.states).toEqual(["down", "up, gap"]);
        a.bus.publish("{x}one", bytes("here"));
        await until(() => b.ear.heard.length === 1, "a message");
        b.bus.publish("{x}one", bytes("there"));
        await until(() => a.ear.heard.length === 2, "a message back");
        expect(a.ear.states).toEqual([]);
      },
    );

    define(
      "what breaks and comes back is told, and what was subscribed to meanwhile is in force",
      async (given) => {
        const { breakDown, repair, until } = given;
        if (!breakDown || !repair) return;
        const [a, b] = [await begin(["{x}one"]), await begin(["{x}one"])];
        await breakDown.call(given);
        await until(() => [a, b].every(({ ear }) => ear.states.includes("down")), "down");
        b.bus.subscribe(["{x}two"]);
        await repair.call(given);
        await until(() => [a, b].every(({ ear }) => ear.states.at(-1) === "up, gap"), "up again");
        a.bus.publish("{x}one", bytes("1"));
        a.bus.publish("{x}two", bytes("2"));
        await until(() => b.ear.heard.length === 2, "messages");
        expect(b.ear.heard).toEqual(["{x}one 1", "{x}two 2"]);
      },
    );

    define("what was published before it closes has left, and nothing more is told", async ({ until }) => {
      const [a, b] = [await begin(["{x}one"]), await begin(["{x}one"])];
      b.bus.publish("{x}one", bytes("last"));
      await b.bus.close();
      const { length } = b.ear.heard;
      await until(() => a.ear.heard.length === 1, "the last message");
      a.bus.publish("{x}one", bytes("after"));
      await until(() => a.ear.heard.length === 2, "a message");
      expect(b.ear.heard.length).toBe(length);
      expect(b.ear.states).toEqual([]);
    });
  });
}
