import type { io as connect } from "@sockeye/client";

declare global {
  /** What `<script src="/socket.io/socket.io.js">` leaves behind. */
  const io: typeof connect;
}
