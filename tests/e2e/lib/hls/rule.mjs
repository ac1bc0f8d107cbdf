/**
 * One rule: a number that never changes once committed, the section of draft-pantos-hls-rfc8216bis-22
 * (or of our own design, when it says so) and a name. `check` yields one message per violation.
 *
 * @param {string} id
 * @param {string} section
 * @param {string} name
 * @param {(subject: any) => Iterable<string>} check
 */
export function rule(id, section, name, check) {
  return { id, title: `${id} ${section} ${name}`, name, check };
}

/** Runs rules over one subject. @returns {{rule: string, message: string}[]} */
export function run(rules, subject) {
  return rules.flatMap((r) => [...r.check(subject)].map((message) => ({ rule: r.title, message })));
}
