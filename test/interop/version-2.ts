/**
 * Behaviours of the matrix that socket.io-client 2 cannot be asked for, each with what stands in the way. Socket.IO's own
 * server shows the same with it; what version 2 does instead stands in matrix/version-2.test.ts.
 */
export const NOT_IN_VERSION_2: ReadonlyMap<string, string> = new Map([
  // auth: the client says who it is in a query
  ["tells the server about the handshake", "no auth"],
  ["may be a function, called at every connection", "no auth"],
  ["may be changed on the socket between connections", "no auth"],
  ["is each namespace's own", "no auth"],
  ["runs in order, before the connection", "no auth"],
  ["are made by a function that sees name and auth", "no auth"],
  ["are fetched with rooms, data and handshake", "no auth"],
  // refusals: an `error` event with a text
  ["refuses with message and data, once, without another try", "no connect_error by the server"],
  ["refuses without data when there is none", "no connect_error by the server"],
  ["of one namespace does not ask for another", "no connect_error by the server"],
  ["that stops behind the first error", "no connect_error by the server"],
  ["that do not exist are refused, and nothing else is", "no connect_error by the server"],
  ["that come to exist later can be joined then", "no connect_error by the server"],
  ["are made from a regular expression", "no connect_error by the server"],
  ["are refused by a function that fails", "no connect_error by the server"],
  // the main namespace: joined without asking
  ["sees every request of the session", "no CONNECT for the main namespace, hence no POST"],
  ["before it is connected connects nobody", "the server lets it in before it can take that back"],
  ["whose client leaves meanwhile connects nobody", "no DISCONNECT before it is connected"],
  // ids: those of the connection
  ["are left one at a time", "a socket gets the same id again"],
  ["shows the engine on both sides", "revision 3; one id for engine and socket"],
  // API
  ["arrives as Buffers at both ends", "typed arrays and views are not taken for bytes"],
  ["may have any name that is not reserved", "emits events with names of its own at itself"],
  ["with a reserved name throw at the sender", "emits events with names of its own at itself"],
  ["that are volatile arrive on an idle connection", "no volatile"],
  ["drops what is volatile meanwhile", "no volatile"],
  ["hear every incoming event before its own listeners, the prepended first", "no catch-all listeners"],
  ["are listed and removed", "no catch-all listeners"],
]);
