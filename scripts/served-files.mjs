// The client's bundles as the server gives them: each once for Brotli and once for gzip, as small as they get. Who takes neither gets what
// the server unpacks, so that the package need not hold the plain text as well.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

export async function compressServedFiles(from, to) {
  // Only here: once loaded, it answers every error of the process by printing its own source.
  const { gzipAsync } = await import("@gfx/zopfli");
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((each) => each.endsWith(".js"))) {
    const plain = readFileSync(`${from}/${name}`);
    writeFileSync(`${to}/${name}.br`, brotliCompressSync(plain));
    // The package must stay small: of the files that few load, the server makes gzip for the first who asks.
    if (/^sockeye\.(?:js|full\.|msgpack\.|websocket\.)/.test(name)) continue;
    writeFileSync(`${to}/${name}.gz`, await gzipAsync(plain, { numiterations: 15 }));
  }
}
