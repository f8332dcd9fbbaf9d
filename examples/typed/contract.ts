// What goes over the wire, in both directions. Server and client import it: the compiler holds both to it, and so does the server at run time.
import { call, contract, event, type } from "@sockeye/contract";
import { z } from "zod";

const Place = z.strictObject({ x: z.number(), y: z.number() });
export type Place = z.infer<typeof Place>;

export const game = contract({
  toServer: {
    move: event(Place),
    /** Answers with the new name. */
    rename: call(z.string().min(1).max(20), {
      answer: z.string(),
      errors: { TAKEN: z.strictObject({ suggest: z.string() }) },
    }),
  },
  toClient: {
    moved: event(z.string(), Place),
    /** Asks: who does not answer in time is not ready. */
    ready: call(z.number(), { answer: z.boolean() }),
  },
  /** `socket.data` */
  data: type<{ name: string; place: Place }>(),
});
