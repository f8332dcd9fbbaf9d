"use client";
import { io } from "@sockeye/client";
import { calls } from "@sockeye/contract/client";
import { createHooks } from "@sockeye/react";
import { rooms } from "@sockeye/rooms/client";
import { chat } from "./contract";

export const { SocketProvider, useConnection, useCall, useRoom, usePresence } = createHooks(io, {
  contract: chat,
  extend: [calls, rooms],
});
