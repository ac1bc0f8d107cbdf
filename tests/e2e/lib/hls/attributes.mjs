/**
 * Attribute lists (draft-pantos-hls-rfc8216bis-22 §4.2), read strictly: this is a checker, so whatever
 * a lenient player would forgive is collected as an error instead.
 */

const NAME = /^[A-Z0-9-]+$/;

/** @typedef {{raw: string, quoted: boolean, text: string}} Value */

/**
 * @param {string} list the text after `#EXT-X-…:`
 * @returns {{attrs: Map<string, Value>, errors: string[]}}
 */
export function parseAttributes(list) {
  const attrs = new Map();
  const errors = [];
  let at = 0;
  while (at < list.length) {
    const equals = list.indexOf('=', at);
    if (equals < 0) {
      errors.push(`"${list.slice(at)}" has no value`);
      break;
    }
    const name = list.slice(at, equals);
    // "there is no whitespace" around names, "=" or ",": a blank therefore shows as a bad name.
    if (!NAME.test(name)) errors.push(`"${name}" is not an attribute name`);
    if (attrs.has(name)) errors.push(`${name} is given twice`);
    const end = valueEnd(list, equals + 1);
    const raw = list.slice(equals + 1, end);
    errors.push(...valueErrors(name, raw));
    const quoted = raw.startsWith('"');
    attrs.set(name, { raw, quoted, text: quoted ? raw.slice(1, -1) : raw });
    at = end + 1;
    if (end < list.length && at === list.length) errors.push('a comma ends the list');
  }
  return { attrs, errors };
}

/** Index just past the value that starts at `from`: a comma inside quotes does not end it. */
function valueEnd(list, from) {
  if (list[from] !== '"') {
    const comma = list.indexOf(',', from);
    return comma < 0 ? list.length : comma;
  }
  const close = list.indexOf('"', from + 1);
  if (close < 0) return list.length;
  const comma = list.indexOf(',', close);
  return comma < 0 ? list.length : comma;
}

function valueErrors(name, raw) {
  if (raw === '') return [`${name} is empty`];
  if (raw.startsWith('"')) {
    return /^"[^"\r\n]*"$/.test(raw) ? [] : [`${name} is not a quoted-string: ${raw}`];
  }
  return /[\s"]/.test(raw) ? [`${name} holds a blank or a quote: ${raw}`] : [];
}

const DECIMAL = /^[0-9]+(\.[0-9]+)?$/;

/** decimal-floating-point (§4.2): unquoted, unsigned. Undefined when absent or something else. */
export function decimal(attrs, name) {
  const value = attrs?.get(name);
  return value && !value.quoted && DECIMAL.test(value.raw) ? Number(value.raw) : undefined;
}

/** decimal-integer (§4.2), at most 2^53 - 1 here, which is far past any live edge. */
export function integer(attrs, name) {
  const value = attrs?.get(name);
  return value && !value.quoted && /^[0-9]{1,15}$/.test(value.raw) ? Number(value.raw) : undefined;
}

/** The text of a quoted-string attribute, undefined when absent or not quoted. */
export function quoted(attrs, name) {
  const value = attrs?.get(name);
  return value?.quoted ? value.text : undefined;
}

/** An enumerated-string attribute, undefined when absent or quoted. */
export function word(attrs, name) {
  const value = attrs?.get(name);
  return value && !value.quoted ? value.raw : undefined;
}

/** The same attributes in one canonical line, for "must not change" comparisons. */
export function canonical(attrs) {
  return [...attrs].map(([name, value]) => `${name}=${value.raw}`).sort().join(',');
}
