// Version 2 brings no types. What the suites use of it is a subset of version 4's.
declare module "socket.io-client-2" {
  import type { io as Io, Manager } from "socket.io-client";

  const io: typeof Io & { readonly Manager: typeof Manager };
  export default io;
}
