// The hooks of this app, made once.
import { io } from "@sockeye/client";
import { createHooks } from "@sockeye/react";
import { rooms } from "@sockeye/rooms/client";

export const { SocketProvider, useConnection, useEvent, useEmit, useRoom, usePresence } = createHooks(io, {
  extend: [rooms],
});
