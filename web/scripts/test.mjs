// Runs every *.test.ts of the packages and of the pages under node:test. Node 20 does not read
// TypeScript, so esbuild bundles each file first; the bundles lie in node_modules, which nobody commits.
import { spawn } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const out = `${root}node_modules/.cache/tests`;

const places = [
  "golive",
  "watch",
  ...(await readdir(`${root}packages`)).map((name) => `packages/${name}`),
];
const found = places.map(async (place) => {
  const files = await readdir(`${root}${place}/test`, { recursive: true });
  return files.map((file) => `${place}/test/${file}`);
});
const tests = (await Promise.all(found))
  .flat()
  .filter((file) => file.endsWith(".test.ts"))
  .sort();
if (tests.length === 0) throw new Error("there is no test to run");

await rm(out, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: tests,
  outdir: out,
  outbase: root,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
});
const compiled = tests.map((test) => `${out}/${test.replace(/\.ts$/, ".mjs")}`);
const node = spawn(
  process.execPath,
  ["--enable-source-maps", "--test", "--test-reporter=spec", ...process.argv.slice(2), ...compiled],
  { stdio: "inherit", cwd: root },
);
node.on("exit", (code) => process.exit(code ?? 1));
