// The alias of socket.io-client 3 shows no types through its exports. Its names are a subset of version 4's.
declare module "socket.io-client-3" {
  export { io, Manager } from "socket.io-client";
}
