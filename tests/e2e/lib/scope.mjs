/** What stands in for a test's context where something is to end before the test does, or where there is no test. */

/** @returns `{name, after, end}`: `end` does what was asked for by `after`, last first, and each once */
export function scope(name) {
  const cleanups = [];
  return {
    name,
    after: (cleanup) => { cleanups.push(cleanup); },
    async end() {
      while (cleanups.length > 0) await cleanups.pop()();
    },
  };
}
