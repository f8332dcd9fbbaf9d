import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createIo } from "./io";

const FILES = new Map([
  ["/", ["index.html", "text/html; charset=utf-8"]],
  ["/style.css", ["style.css", "text/css"]],
] as const);

const http = createServer(async (req, res) => {
  const [file, type] = FILES.get((req.url ?? "").split("?")[0] as "/") ?? [];
  if (file === undefined) return res.writeHead(404).end();
  res.writeHead(200, { "content-type": type });
  res.end(await readFile(new URL(`../public/${file}`, import.meta.url)));
});

createIo(http);

const port = Number(process.env.PORT ?? 3000);
http.listen(port, () => console.log(`http://localhost:${port}`));
