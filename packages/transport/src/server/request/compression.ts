import { deflate, gzip, type ZlibOptions } from "node:zlib";

/** How bodies are compressed: options of `node:zlib`, and the bytes from which on it is worth the while (default 0). */
export interface HttpCompression extends ZlibOptions {
  readonly threshold?: number | undefined;
}

export type Encoding = "gzip" | "deflate";

/** Calls back once, with the compressed bytes, or with `undefined` if that failed. */
export function compressBody(
  body: string | Uint8Array,
  how: { readonly encoding: Encoding; readonly options: HttpCompression },
  done: (bytes: Buffer | undefined) => void,
): void {
  const compress = how.encoding === "gzip" ? gzip : deflate;
  compress(body, how.options, (error, bytes) => done(error === null ? bytes : undefined));
}

/**
 * The encoding that an `Accept-Encoding` header prefers of those we have; gzip if it does not care.
 *
 * @see RFC 9110, section 12.5.3
 */
export function acceptedEncoding(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined;
  let any = 0;
  let gzipWeight: number | undefined;
  let deflateWeight: number | undefined;
  for (const part of header.split(",")) {
    const [name = "", ...parameters] = part.split(";");
    const weight = weightOf(parameters);
    switch (name.trim().toLowerCase()) {
      case "gzip":
        gzipWeight = weight;
        break;
      case "deflate":
        deflateWeight = weight;
        break;
      case "*":
        any = weight;
    }
  }
  const byGzip = gzipWeight ?? any;
  const byDeflate = deflateWeight ?? any;
  if (byGzip <= 0 && byDeflate <= 0) return undefined;
  return byGzip >= byDeflate ? "gzip" : "deflate";
}

function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [key = "", value = ""] = parameter.split("=");
    if (key.trim().toLowerCase() !== "q") continue;
    const weight = Number(value.trim());
    return weight >= 0 && weight <= 1 ? weight : 0;
  }
  return 1;
}
