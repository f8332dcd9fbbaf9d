import "../../../test/support/follow-fakes.js";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { expect, it, onTestFinished, vi } from "vitest";
import { watchWarnings } from "../../../test/support/warnings.js";

const warned = watchWarnings();

it("an HTTP server that does not listen is told, unless it is closed, begins to listen, or has clients all the same", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const closed = new Server(createServer());
  await closed.close();
  const http = createServer();
  new Server(http);
  http.emit("listening");
  const used = new Server(createServer());
  vi.spyOn(used.engine, "clientsCount", "get").mockReturnValue(1);
  vi.advanceTimersByTime(60_000);
  new Server(createServer());
  vi.advanceTimersByTime(4999);
  vi.useRealTimers();
  expect(await warned()).toEqual([]);
  vi.useFakeTimers();
  new Server(createServer());
  vi.advanceTimersByTime(5001);
  vi.useRealTimers();
  expect(await warned()).toEqual([
    {
      code: "SOCKEYE_NOT_LISTENING",
      message:
        "Sockeye is attached to an HTTP server that does not listen. Call listen() of that server: app.listen() of Express makes another one",
    },
  ]);
});
