const callbacks = new Set<() => void>();

function exiting(): void {
  for (const callback of callbacks) callback();
}

/**
 * Calls back when this process exits by itself: what is written then still leaves if the system takes it at once, and nothing that takes
 * turns of the event loop happens. The process gets one listener for all who wait, for as long as there are any.
 *
 * @returns does without it
 */
export function onExit(callback: () => void): () => void {
  if (callbacks.size === 0) process.on("exit", exiting);
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0) process.off("exit", exiting);
  };
}
