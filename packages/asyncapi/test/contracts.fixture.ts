import { contract, event } from "@sockeye/contract";
import { z } from "zod";

export const main = contract({ toServer: { hello: event(z.string()) } });
export const chat = contract({ toServer: { say: event(z.string()) }, toClient: { said: event(z.string()) } });
export const other = 1;
