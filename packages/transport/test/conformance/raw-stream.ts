import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { ChunkFrameDecoder } from "@sockeye/codec/chunk-frames";
import { decodePayload, splitPayload } from "@sockeye/codec/payload";
import type {
  CloseReason,
  EncodedPacket,
  Frame,
  PipeClose,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import type { Target, TransportClass } from "@sockeye/transport/client";

/** Takes a response apart: the frames that end in this piece. */
export type ResponseReader = (piece: Buffer) => Frame[];

const LIMITS = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

/** Reads what stands in each piece that ends so. */
function readTexts(end: string, payloadOf: (text: string) => string | undefined): () => ResponseReader {
  return () => {
    let rest = Buffer.alloc(0);
    return (piece) => {
      rest = Buffer.concat([rest, piece]);
      const last = rest.lastIndexOf(end);
      if (last === -1) return [];
      const texts = rest.subarray(0, last).toString("utf8").split(end);
      rest = rest.subarray(last + end.length);
      return texts.flatMap((text) => {
        const payload = payloadOf(text);
        return payload === undefined ? [] : decodePayload(payload, LIMITS);
      });
    };
  };
}

const unescaped = (text: string): string =>
  text.replace(/%(25|0D|0A|00)/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** By hand, after PROTOCOL.md alone, for each way to write a response. */
export const READERS: Readonly<Record<"sse" | "stream" | "lines" | "iframe", () => ResponseReader>> = {
  sse: readTexts("\n\n", (event) => (event.startsWith("data: ") ? unescaped(event.slice(6)) : undefined)),
  lines: readTexts("\n", (line) => (line.trim() === "" ? undefined : unescaped(line))),
  iframe: readTexts("\r\n", (line) => {
    const call = /^<script nonce="[^"]+">m\((".*")\)<\/script>$/.exec(line);
    return call === null ? undefined : (JSON.parse(call[1] as string) as string);
  }),
  stream: () => {
    const decoder = new ChunkFrameDecoder(Number.POSITIVE_INFINITY);
    return (piece) => decoder.write(piece);
  },
};

/** A dialling end that is as simple as can be: for the accepting end's conformance. */
export function rawStream(name: string, query: string, readerOf: () => ResponseReader): TransportClass {
  return class RawStream implements Transport {
    static readonly transportName = name;
    readonly name = name;
    readonly #target: Target;
    readonly #agent = new Agent({ keepAlive: true });
    #sink: TransportSink | undefined;
    #get: ClientRequest | undefined;
    #post: ClientRequest | undefined;
    #bodies: string[] = [];
    #paused: (() => void) | undefined;
    #closing = false;

    constructor(target: Target) {
      this.#target = target;
      this.#receive();
    }
    get writable(): boolean {
      const ready = this.#target.sid !== undefined && this.#post === undefined;
      return this.#sink !== undefined && ready && this.#paused === undefined;
    }
    bind(sink: TransportSink): void {
      this.#sink = sink;
    }
    send(batch: readonly EncodedPacket[]): void {
      this.#bodies.push(...splitPayload(batch, this.#target.maxPayload ?? 1_000_000));
      this.#next();
    }
    pause(done: () => void): void {
      this.#paused = done;
      this.#settle();
    }
    resume(): void {
      if (this.#paused === undefined) return;
      this.#paused = undefined;
      if (this.#sink === undefined) return;
      if (this.#get === undefined) this.#receive();
      if (this.writable) this.#sink.writable(this);
    }
    close(how: PipeClose): void {
      const wasOpen = this.#sink !== undefined;
      this.#sink = undefined;
      if (how !== "goodbye") this.#abort();
      else if (wasOpen) {
        this.#closing = true;
        this.#bodies.push("1");
        this.#next();
      }
    }

    #request(method: string, handle: (res: IncomingMessage) => void): ClientRequest {
      const { url, sid } = this.#target;
      const address = `${url}?EIO=4&transport=${name}${query}${sid === undefined ? "" : `&sid=${sid}`}`;
      const req = request(address, { method, agent: this.#agent }, handle);
      req.on("error", () => this.#end("transport close"));
      return req;
    }
    #receive(): void {
      const read = readerOf();
      const get = this.#request("GET", (res) => {
        res.on("data", (piece: Buffer) => {
          if (get === this.#get) for (const frame of read(piece)) this.#frame(frame);
        });
        const over = (): void => {
          if (get === this.#get) this.#end(res.statusCode === 200 ? "transport close" : "transport error");
        };
        res.on("end", over);
        res.on("error", over);
      });
      this.#get = get;
      get.end();
    }
    #frame(frame: Frame): void {
      if (this.#sink === undefined || frame === "6proof") return;
      if (frame === "1") {
        this.#end("transport close");
      } else if (frame === "6end") {
        this.#get = undefined;
        if (this.#paused === undefined) this.#receive();
        this.#settle();
      } else {
        const opening = this.#target.sid === undefined;
        this.#sink.frame(this, frame);
        if (opening && this.writable) this.#sink?.writable(this);
      }
    }
    #next(): void {
      const body = this.#bodies[0];
      if (body === undefined || this.#post !== undefined) return;
      this.#bodies.shift();
      this.#post = this.#request("POST", (res) => {
        res.resume();
        res.on("end", () => {
          this.#post = undefined;
          if (res.statusCode !== 200) this.#end("transport error");
          else if (this.#bodies.length > 0) this.#next();
          else if (this.#closing) this.#abort();
          else if (this.writable) this.#sink?.writable(this);
          this.#settle();
        });
      });
      this.#post.end(body);
    }
    #settle(): void {
      if (this.#get === undefined && this.#post === undefined) this.#paused?.();
    }
    #end(reason: CloseReason): void {
      const sink = this.#sink;
      this.#abort();
      sink?.ended(this, "closed", reason);
    }
    #abort(): void {
      this.#sink = undefined;
      this.#get?.destroy();
      this.#post?.destroy();
      this.#get = undefined;
      this.#agent.destroy();
    }
  };
}
