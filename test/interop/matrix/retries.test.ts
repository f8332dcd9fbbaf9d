import { expect } from "vitest";
import { pullThePlug, UNCOUNTED } from "../../support/servers.js";
import { timedMatrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

timedMatrix("retries", (behaves) => {
  const options = { retries: 2, ackTimeout: 100 };

  behaves("send again until it is acknowledged, one after the other", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, options);
    const heard: string[] = [];
    let tries = 0;
    socket.on("first", (answer: (text: string) => void) => {
      heard.push("first");
      tries += 1;
      if (tries === 3) answer("at last");
    });
    socket.on("second", (answer: (text: string) => void) => {
      heard.push("second");
      answer("at once");
    });
    const answers = Promise.all([
      new Promise((resolve) => client.emit("first", (...args: unknown[]) => resolve(args))),
      new Promise((resolve) => client.emit("second", (...args: unknown[]) => resolve(args))),
    ]);
    expect(await answers).toEqual([
      [null, "at last"],
      [null, "at once"],
    ]);
    expect(heard).toEqual(["first", "first", "first", "second"]);
  });

  behaves("give up after one try and `retries` more", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, options);
    let tries = 0;
    socket.on("never", () => {
      tries += 1;
    });
    socket.on("next", (answer: () => void) => answer());
    const failed = new Promise<Error>((resolve) => client.emit("never", resolve));
    const next = new Promise((resolve) => client.emit("next", (...args: unknown[]) => resolve(args)));
    expect((await failed).message).toBe("operation has timed out");
    expect(await next).toEqual([null]);
    expect(tries).toBe(3);
  });

  behaves("need no callback of the app", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, { ...options, ackTimeout: 1000 });
    const heard: unknown[] = [];
    const end = new Promise<void>((resolve) => {
      socket.on("e", (n: number, answer: () => void) => {
        heard.push(n);
        answer();
        if (n === 19) resolve();
      });
    });
    for (let n = 0; n < 20; n++) client.emit("e", n);
    await end;
    expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  behaves("carry on with the first after a reconnection", "retries", async (stage) => {
    const site = await stage.serve(UNCOUNTED);
    const heard: unknown[] = [];
    let silent = true;
    const end = new Promise<void>((resolve) => {
      site.io.on("connection", (half) => {
        half.on("e", (n: number, answer: () => void) => {
          heard.push(n);
          if (!silent) answer();
          if (n === 3) resolve();
        });
      });
    });
    const { client, socket } = await stage.connect(site, { retries: 5, ackTimeout: 3000 });
    const first = once(socket, "e");
    for (const n of [1, 2, 3]) client.emit("e", n);
    await first;
    silent = false;
    await pullThePlug(site, socket);
    await end;
    expect(heard).toEqual([1, 1, 2, 3]);
  });

  behaves("leave volatile messages out", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, { retries: 5, ackTimeout: 2000 });
    const stuck = once(socket, "unanswered");
    client.emit("unanswered");
    await stuck;
    const heard = once(socket, "v");
    const nag = setInterval(() => client.volatile.emit("v", 1), 5);
    stage.defer(() => clearInterval(nag));
    expect(await heard).toEqual([1]);
  });

  behaves("work with emitWithAck", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, options);
    let tries = 0;
    socket.on("e", (answer: (n: number) => void) => {
      tries += 1;
      if (tries === 2) answer(tries);
    });
    expect(await client.emitWithAck("e")).toBe(2);
    await expect(client.emitWithAck("nobody")).rejects.toThrow("operation has timed out");
  });

  behaves("are not needed for ackTimeout", "retries", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site, { ackTimeout: 250 });
    socket.on("answered", (answer: (text: string) => void) => answer("ok"));
    const got = await new Promise((resolve) =>
      client.emit("answered", (...args: unknown[]) => resolve(args)),
    );
    expect(got).toEqual([null, "ok"]);
    const [error] = await new Promise<[Error]>((resolve) =>
      client.emit("ignored", (...args: [Error]) => resolve(args)),
    );
    expect(error.message).toBe("operation has timed out");
  });
});
