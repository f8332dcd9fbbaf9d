import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { Metrics } from "./metrics.js";

export interface MetricsOptions {
  /** Measures how late the event loop is, too, which costs a timer of 20 ms. Default false. */
  readonly eventLoopDelay?: boolean;
}

/** What a metrics page answers, for frameworks of any kind. */
export interface MetricsAnswer {
  readonly status: 200;
  readonly headers: { readonly "Content-Type": string };
  readonly body: string;
}

/** A response of Node.js, as of `http` and Express. */
interface NodeResponse {
  readonly headersSent: boolean;
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string): unknown;
}

/** A reply of Fastify. */
interface FastifyReply {
  readonly sent: boolean;
  header(name: string, value: string): unknown;
  send(body: string): unknown;
}

/** Answers a request with the metrics. Without a request it gives the answer. */
export interface MetricsHandler {
  (): MetricsAnswer;
  (req: unknown, res: NodeResponse | FastifyReply): void;
}

/** @param snapshot the metrics as they are now */
export function metricsHandler(snapshot: () => Metrics, options: MetricsOptions = {}): MetricsHandler {
  const delay = options.eventLoopDelay ? monitorEventLoopDelay({ resolution: 20 }) : undefined;
  delay?.enable();
  const answer = (): MetricsAnswer => {
    const body = `${snapshot()}${delay === undefined ? "" : delayText(delay)}`;
    return { status: 200, headers: { "Content-Type": Metrics.contentType }, body };
  };
  function handle(): MetricsAnswer;
  function handle(req: unknown, res: NodeResponse | FastifyReply): void;
  function handle(_req?: unknown, res?: NodeResponse | FastifyReply): MetricsAnswer | undefined {
    const { status, headers, body } = answer();
    if (res === undefined) return { status, headers, body };
    if ("send" in res && "sent" in res) {
      if (!res.sent) {
        res.header("Content-Type", headers["Content-Type"]);
        res.send(body);
      }
    } else if ("writeHead" in res && !res.headersSent) {
      res.writeHead(status, headers);
      res.end(body);
    }
    return undefined;
  }
  return handle;
}

const QUANTILES = [50, 99, 100] as const;

/** Since it was last asked. */
function delayText(delay: IntervalHistogram): string {
  const name = "sockeye_event_loop_delay_seconds";
  const lines = QUANTILES.map((percent) => {
    const seconds = delay.count === 0 ? 0 : delay.percentile(percent) / 1e9;
    return `${name}{quantile="${percent / 100}"} ${seconds}`;
  });
  delay.reset();
  return `# HELP ${name} How late the event loop was, since this was last asked for.\n# TYPE ${name} gauge\n${lines.join("\n")}\n`;
}
