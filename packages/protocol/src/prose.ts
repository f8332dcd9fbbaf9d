/** What errors of clients say besides their code. Texts of Socket.IO, by which apps may tell errors apart, stand where they are raised. */
const TEXTS = {
  // ---- what an app did

  noServer: 'no server in "$1"',
  noPage: "io needs a URL outside of a browser page",
  eitherTransports: "either transports or transportImplementations",
  transportsAreAList: "transports must be an array",
  transportToImport: 'transports: import the class of "$1"',
  needsWholeClient: '"$1" needs @sockeye/client in place of its lean entry',
  notAParser: "a parser has the classes Encoder and Decoder",
  badEventName: "the name of an event is a string, not $1",
  notAListener: "a listener is a function, not $1",
  alreadyHandled: '"$1" has a handler or a listener already',

  // ---- what cannot be sent

  notANamespace: "not a namespace",
  blobAtOnce: "a Blob cannot be read at once: send `await blob.arrayBuffer()`",
  placeholderBesideBytes: "`_placeholder: true` cannot be sent together with bytes",
  tooDeep: "the arguments are nested too deep, or a cycle",
  bytesAreGone: "bytes that were transferred, or whose memory has grown",
  notAMessage: "a message is a string, an ArrayBuffer or a view of one",
  wasSpoilt: "an event was dropped: its bytes were transferred, or their memory has grown, since",
  notWritten: "what the app sent could not be written",
  tooMuchForServer: "the server takes no more than $1 $2 there",
  tooMuchWaits: "too much waits for the server",
  noFrames: "no frames",
  notAFrame: "a frame that is neither text nor bytes",

  // ---- what the server did

  malformedPacket: "a packet is malformed",
  malformedFrame: "a frame is not an engine packet",
  malformedOpen: "the OPEN packet is malformed",
  severalPackets: "several packets for one frame",
  unexpectedPacket: "unexpected packet: $1",
  impossibleCount: "a count that cannot be",
  impossibleAnswer: "an answer to a claim that cannot be",

  // ---- what became of a session

  noUpgrade: "no upgrade to $1: $2",
  notInTime: "the session did not continue over another transport in time",
  notKept: "the server does not have the session any more",
  nothingJoined: "nothing was joined",
  nothingThrough: "nothing gets through",
};

/**
 * A bundle for browsers says nothing, so that the error says its code, unless the bundle is one for development: web/prose.ts is in the place of this file there.
 *
 * @param first what stands in the text as $1
 */
export function prose(name: keyof typeof TEXTS, first?: unknown, second?: unknown): string | undefined {
  return TEXTS[name].replace(/\$([12])/g, (_, place) => String(place === "1" ? first : second));
}
