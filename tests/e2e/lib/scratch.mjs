/** Folders of a test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder that goes when the test ends. @param {import('node:test').TestContext} t */
export function scratch(t, name) {
  const folder = mkdtempSync(join(tmpdir(), `shopcast-${name}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
