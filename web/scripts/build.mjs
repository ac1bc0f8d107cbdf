// Builds web/dist: what the server serves at /player/, and the pages at /watch/{stream} and /golive/{stream}.
import { cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = `${root}dist`;

await rm(dist, { recursive: true, force: true });
await mkdir(dist);
await build({
  absWorkingDir: root,
  entryPoints: {
    player: "packages/player/src/index.ts",
    watch: "watch/watch.ts",
    golive: "golive/golive.ts",
    // Beside the player, which finds it by its own address.
    "picture-worker": "packages/player/src/picture-worker.ts",
  },
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  // The player's host page may have a strict CSP; nothing here needs eval or inline code.
  legalComments: "none",
  banner: {
    js: "/*! Shopcast, Apache-2.0. The player includes hls.js, Apache-2.0, (c) its authors. */",
  },
});
await cp(`${root}page/page.css`, `${dist}/page.css`);
for (const page of ["watch", "golive"]) {
  for (const kind of ["html", "css"]) {
    await cp(`${root}${page}/${page}.${kind}`, `${dist}/${page}.${kind}`);
  }
}
await cp(`${root}watch/products`, `${dist}/products`, { recursive: true });

for (const name of await readdir(dist)) {
  const { size, isFile } = await stat(`${dist}/${name}`).then((s) => ({
    size: s.size,
    isFile: s.isFile(),
  }));
  if (isFile) console.log(`dist/${name}  ${(size / 1024).toFixed(1)} KiB`);
}
