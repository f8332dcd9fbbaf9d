// What travels between the server and its clients: types for both ends, and checks of what comes in.
import { call, contract, event } from "@sockeye/contract";
import { z } from "zod";

const Message = z.object({ from: z.string(), text: z.string() });

export type Message = z.infer<typeof Message>;

export const chat = contract({
  toServer: { say: call(z.object({ from: z.string().max(30), text: z.string().trim().min(1).max(500) })) },
  toClient: { said: event(Message) },
});
