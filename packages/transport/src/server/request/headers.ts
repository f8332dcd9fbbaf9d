import { type ServerResponse, validateHeaderName, validateHeaderValue } from "node:http";

/** Headers of a response that an app may change before they are sent. */
export type ResponseHeaders = Record<string, string | string[]>;

/** Writes status and headers. A header that HTTP does not allow is left out, so that the request still gets its end. */
export function writeHead(res: ServerResponse, status: number, headers: ResponseHeaders): void {
  try {
    res.writeHead(status, headers);
  } catch {
    res.writeHead(status, Object.fromEntries(headerLines(headers)));
  }
}

/** The headers that HTTP allows: no line break in a value can start another header. */
export function headerLines(headers: Readonly<Record<string, unknown>>): [name: string, value: string][] {
  const lines: [string, string][] = [];
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (isLegal(name, value)) lines.push([name, `${value}`]);
    }
  }
  return lines;
}

function isLegal(name: string, value: unknown): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, `${value}`);
    return value !== undefined;
  } catch {
    return false;
  }
}
