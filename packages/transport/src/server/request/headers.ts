import { type ServerResponse, validateHeaderName, validateHeaderValue } from "node:http";

/** Headers of a response that an app may change before they are sent. */
export type ResponseHeaders = Record<string, string | string[]>;

/** Writes status and headers, without those that HTTP does not allow. */
export function writeHead(res: ServerResponse, status: number, headers: ResponseHeaders): void {
  try {
    res.writeHead(status, headers);
  } catch {
    dropIllegal(headers);
    res.writeHead(status, headers);
  }
}

/** The headers as lines, without those that HTTP does not allow. */
export function headerLines(headers: ResponseHeaders): [name: string, value: string][] {
  dropIllegal(headers);
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, `${value}`]),
  );
}

/**
 * Takes out the headers that HTTP does not allow, of a list its values: no line break can start another header, and the request
 * still gets its end. @returns their names
 */
export function dropIllegal(headers: ResponseHeaders): string[] {
  const dropped: string[] = [];
  for (const [name, values] of Object.entries(headers)) {
    const given: readonly unknown[] = Array.isArray(values) ? values : [values];
    const legal = given.filter((value) => isLegal(name, value)) as string[];
    if (legal.length === given.length) continue;
    dropped.push(name);
    if (legal.length === 0) delete headers[name];
    else headers[name] = legal;
  }
  return dropped;
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
