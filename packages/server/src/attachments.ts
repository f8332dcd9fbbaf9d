import type { Server as HttpServer, IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { Http2SecureServer, Http2Server } from "node:http2";
import type { Server as HttpsServer } from "node:https";
import { UsageError } from "@sockeye/protocol";
import type { Middleware } from "@sockeye/transport/server";
import {
  attach,
  closeHttpServer,
  corsMiddleware,
  IncomingRequest,
  OriginPolicy,
  runMiddlewares,
} from "@sockeye/transport/server";
import { ClientFiles } from "./client-files.js";
import type { EngineHost } from "./engine.js";
import { Engine } from "./engine.js";
import { warnOfNotListening } from "./not-listening.js";
import type { ServerOptions } from "./options.js";
import type { RoomFeeds } from "./room-feeds.js";
import { warnOfRoutesOver } from "./routes-over.js";
import type { Settings } from "./settings.js";
import { warnOfTwoServers } from "./two-servers.js";

/** Any HTTP server of Node.js. */
export type AnyHttpServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

/** One HTTP server with the engine that answers on it. */
interface Attachment {
  readonly httpServer: AnyHttpServer;
  readonly engine: Engine;
  readonly detach: () => void;
}

/** A request that CORS has its say about. */
interface Asked {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly cors: Middleware | undefined;
}

/** The HTTP servers that a server is attached to, each with its engine. */
export class Attachments {
  readonly #host: EngineHost;
  readonly #settings: Settings;
  readonly #files: ClientFiles;
  readonly #feeds: RoomFeeds;
  #httpServer: AnyHttpServer | undefined = undefined;
  #engine: Engine | undefined = undefined;
  #attached: Attachment[] = [];

  /** @param feeds rooms that are read over plain HTTP */
  constructor(host: EngineHost, settings: Settings, feeds: RoomFeeds) {
    this.#feeds = feeds;
    this.#host = host;
    this.#settings = settings;
    const { warnings } = host.monitor;
    this.#files = new ClientFiles((name) =>
      warnings.warnOnce("SOCKEYE_NO_CLIENT_FILES", "", () => noClientFiles(name)),
    );
  }

  /** The engine for the next HTTP server; after `attach`, the one that was used last. */
  get engine(): Engine {
    this.#engine ??= new Engine(this.#host, this.#engineOptions);
    return this.#engine;
  }

  /** As apps read them in `io.engine.opts`. */
  get #engineOptions(): ServerOptions {
    return { ...this.#settings.given, path: this.#settings.path };
  }

  /** The HTTP server of the last `attach`. */
  get httpServer(): AnyHttpServer | undefined {
    return this.#httpServer;
  }

  get httpServers(): readonly AnyHttpServer[] {
    return this.#attached.map(({ httpServer }) => httpServer);
  }

  get isListening(): boolean {
    return this.#attached.some(({ httpServer }) => httpServer.listening);
  }

  /** All engines, of which one may be attached to nothing yet. */
  get engines(): ReadonlySet<Engine> {
    const engines = new Set(this.#attached.map(({ engine }) => engine));
    if (this.#engine) engines.add(this.#engine);
    return engines;
  }

  /** @param optionsChanged the app has given options with this call. @throws UsageError `ERR_BAD_OPTION` */
  attach(server: AnyHttpServer | number | string, optionsChanged: boolean): void {
    this.#chooseEngine(optionsChanged);
    const httpServer = typeof server === "object" ? server : listen(server);
    this.#httpServer = httpServer;
    const { engine } = this;
    const { monitor } = this.#host;
    const { given, path } = this.#settings;
    warnOfTwoServers({ server: httpServer, path }, monitor.warnings);
    const listened = warnOfNotListening(httpServer, () => engine.clientsCount > 0, monitor.warnings);
    const failed = (error: unknown): void => this.#host.reportError(error, "cors.origin");
    const cors = given.cors ? corsMiddleware(given.cors, failed) : undefined;
    const origins = new OriginPolicy(given.origins);
    const afterCors = (asked: Asked, then: (visit: IncomingRequest) => void): void =>
      this.#afterCors(asked, then);
    const detach = attach(httpServer, {
      ...given,
      path,
      onRequest: (req, res) => {
        monitor.traffic.carries(req);
        if (httpServer.listenerCount("request") > 1) warnOfRoutesOver({ req, res }, monitor.warnings);
        const { url = "" } = req;
        const serves = this.#settings.given.serveClient !== false;
        const feed = this.#feeds.find(url, path);
        const file = serves && feed === undefined ? this.#files.find(url) : undefined;
        if (file !== undefined) afterCors({ req, res, cors }, () => void this.#files.serve(file, req, res));
        else if (feed !== undefined) {
          afterCors({ req, res, cors }, (visit) => {
            const foreign = origins.check(req, visit.corsAnswer);
            if (foreign) visit.refuse(foreign);
            else void this.#feeds.serve(req, res, feed);
          });
        } else engine.handleRequest(req, res);
      },
      onUpgrade: (req, socket, head) => {
        monitor.traffic.carries(req);
        engine.handleUpgrade(req, socket, head);
      },
    });
    this.#attached.push({
      httpServer,
      engine,
      detach: () => {
        detach();
        listened();
      },
    });
  }

  /** Closes all engines and, unless it only detaches from them, HTTP servers. @returns the first error of an HTTP server */
  async close(detaches: boolean): Promise<Error | undefined> {
    this.#feeds.close();
    await Promise.all([...this.engines].map((engine) => engine.farewell()));
    this.#engine?.close();
    const attached = this.#attached.splice(0);
    for (const { engine, detach } of attached) {
      engine.close();
      detach();
    }
    if (detaches) return undefined;
    const errors = await Promise.all(attached.map(({ httpServer }) => closeHttpServer(httpServer)));
    return errors.find((error) => error !== undefined);
  }

  /**
   * An engine that was closed stays closed, and one that is at work keeps its options. One that has not begun yet is the one that
   * the app has put its listeners on.
   */
  #chooseEngine(optionsChanged: boolean): void {
    const closed = this.#httpServer !== undefined && this.#attached.length === 0;
    const working = this.#attached.some(({ engine }) => engine === this.#engine);
    const keeps = !optionsChanged || (!working && this.#engine?.reconfigure(this.#engineOptions));
    if (closed || !keeps) this.#engine = undefined;
  }

  #afterCors({ req, res, cors }: Asked, then: (visit: IncomingRequest) => void): void {
    const visit = new IncomingRequest(req, res);
    if (cors === undefined) {
      then(visit);
      return;
    }
    const failed = (error: unknown): void => this.#host.reportError(error, "cors.origin");
    runMiddlewares(
      [cors],
      { req, res, failed },
      {
        clock: this.#host.engineClock,
        timeoutMs: this.#settings.connectTimeoutMs,
        visit,
        done: () => then(visit),
        late: () => res.destroy(),
      },
    );
  }
}

function noClientFiles(file: string): string {
  return `Sockeye has no ${file} to serve, since its files were left behind when the server was bundled. Keep @sockeye/server out of the bundle, or serve the files of @sockeye/client/dist/browser yourself, with { serveClient: false } here`;
}

function listen(port: number | string): HttpServer {
  const number = Number(port);
  if (`${port}`.trim() === "" || !Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new UsageError("ERR_BAD_OPTION", `"${port}" is not a valid port. Pass a number from 0 to 65535.`);
  }
  return createServer((_req, res) => {
    res.writeHead(404).end();
  }).listen(number);
}
