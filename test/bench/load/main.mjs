// The process of a load generator: does what its parent asks of the load that it was started with.
const [load, port, params] = JSON.parse(process.argv[2]);

process.on("disconnect", () => process.exit());
const { prepare } = await import(`./${load}.mjs`);
const running = await prepare(port, params);

/** Busy times of this process, to see whether it held the server back. */
const usage = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

process.on("message", async ({ id, ask, argument }) => {
  // An exception ends the process, and with it the measurement: a figure from a broken run is worth nothing.
  process.send({ id, answer: ask === "usage" ? usage() : await running[ask](argument) });
});
process.send({ id: "ready" });
