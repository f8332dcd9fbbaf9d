import type { io as connect } from "@sockeye/client";
import type { RoomsExtension } from "@sockeye/rooms/client";

declare global {
  /** What `<script src="/socket.io/sockeye.full.min.js">` leaves behind. */
  const io: typeof connect & { readonly rooms: RoomsExtension };
}
