// What stands beside each page: by the words that people search for, with each page once.
import type { DefaultTheme } from "vitepress";
import { PAGES, titleOf } from "./pages.js";

type Item = DefaultTheme.SidebarItem;

const item = (text: string, link: string): Item => ({ text, link });
const group = (text: string, items: Item[]): Item => ({ text, items });

/** Pages of a folder, under their own headings. */
function all(prefix: string): Item[] {
  return [...PAGES]
    .filter(([, page]) => page.startsWith(prefix))
    .map(([file, page]) => item(titleOf(file), `/${page.replace(/(?:index)?\.md$/, "")}`));
}

const modules = [...PAGES.values()]
  .filter((page) => /^api\/(?!.*\/namespaces\/).+\/index\.md$/.test(page))
  .map((page) => page.slice("api/".length, -"/index.md".length));

const guides: Item[] = [
  group("Begin", [item("Quick start", "/quick-start"), item("Tutorial: a chat in six steps", "/tutorial")]),
  group("Messages", [
    item("Events, acknowledgements, timeouts", "/events"),
    item("Emit cheat sheet", "/emit"),
    item("Rooms and broadcast", "/rooms"),
    item("Namespaces", "/namespaces"),
    item("Types and validation: one contract", "/contract"),
    item("Calls (RPC)", "/calls"),
    item("Streams, cancelling, AI tokens", "/streams"),
    item("Uploads with progress", "/uploads"),
  ]),
  group("State", [
    item("History and replay", "/history"),
    item("Presence: who is online", "/presence"),
    item("React and Next.js", "/react"),
    item("Reconnection and recovery", "/recovery"),
    item("Delivery guarantees", "/delivery"),
  ]),
  group("Security", [
    item("Authentication, JWT, sessions", "/auth"),
    item("Rate limiting", "/rate-limiting"),
    item("Limits", "/limits"),
    item("What is defended", "/security"),
    item("Report a vulnerability", "/reporting"),
  ]),
  group("Production", [
    item("Deployment: nginx, proxies, shutdown", "/deployment"),
    item("Scaling: several nodes, Redis", "/scaling"),
    item("Slow clients and back-pressure", "/backpressure"),
    item("Metrics, health, debugging", "/observability"),
    item("Performance", "/performance"),
  ]),
  group("Browsers and networks", [
    item("Transports: WebSocket, polling, SSE", "/transports"),
    item("Old browsers", "/old-browsers"),
  ]),
  group("From Socket.IO", [
    item("Moving from Socket.IO 4", "/migrating"),
    item("Beside Socket.IO and others", "/comparison"),
    item("Every difference", "/differences"),
    item("Parity, name by name", "/parity"),
    item("How to leave", "/leaving"),
  ]),
  group("Look up", [
    item("All guides", "/guides"),
    item("Troubleshooting", "/troubleshooting"),
    item("Options", "/options"),
    item("Error codes", "/errors"),
    item("API reference", "/api/"),
    item("The protocol", "/protocol"),
    item("Changes", "/changelog"),
  ]),
  group("Examples", [item("All examples", "/examples"), ...all("examples/")]),
  group("How it is built", [
    item("Architecture", "/architecture"),
    item("Contributing", "/contributing"),
    ...all("adr/")
      .slice(0, 1)
      .map(({ link = "" }) => item("Decisions", link)),
  ]),
];

const named = new Set(guides.flatMap(({ items = [] }) => items.map(({ link }) => link)));
/** A new page is there before somebody has found its place. */
const others = all("").filter(({ link = "" }) => /^\/[^/]+$/.test(link) && !named.has(link));
if (others.length > 0) guides.push(group("More", others));

/** By the beginning of a page's path: the decisions beside the decisions, what a module has beside its pages. */
export const sidebar: DefaultTheme.SidebarMulti = {
  "/": guides,
  "/adr/": [...guides, group("Decisions", all("adr/"))],
  "/api/": apiOf(undefined),
  ...Object.fromEntries(modules.map((name) => [`/api/${name}/`, apiOf(name)])),
};

function apiOf(module: string | undefined): Item[] {
  const overviews = modules.map((name) => item(`@sockeye/${name}`, `/api/${name}/`));
  const own = new RegExp(`^/api/${module}/(?:namespaces/[^/]+/)?[a-z-]+/[^/]+$`);
  const names = all(`api/${module}/`).filter(({ link = "" }) => own.test(link));
  const short = names.map(({ text = "", link = "" }) => item(text.replace(/^[\w ]+: |<.*|\(\)/g, ""), link));
  return [
    group("API reference", [item("All modules", "/api/"), ...overviews]),
    ...(module === undefined ? [] : [group(`@sockeye/${module}`, short)]),
  ];
}
