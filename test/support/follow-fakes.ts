// Servers take the functions of time when they are loaded, so that the fakes of an app's tests do not stop them. Here they must stop. So this stands
// in the place of those functions before a server is loaded, and leads to whatever is there when it is called. Import it first.
const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
const now = performance.now.bind(performance);

/** As the platform has it. */
export const real = { setTimeout, now };

const platform = { setTimeout, clearTimeout, setInterval, clearInterval };
type Name = keyof typeof platform;

for (const name of Object.keys(platform) as Name[]) {
  const leads = (...args: unknown[]): unknown => {
    const there = globalThis[name] as unknown;
    const target = (there === leads ? platform[name] : there) as (...args: unknown[]) => unknown;
    return target(...args);
  };
  Object.defineProperty(globalThis, name, { value: leads, writable: true, configurable: true });
}

const clock = performance;
const leads = (): number => {
  const there = globalThis.performance;
  return there === clock && there.now === leads ? now() : there.now();
};
Object.defineProperty(performance, "now", { value: leads, writable: true, configurable: true });
