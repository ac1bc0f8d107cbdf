/**
 * Reading JSON objects whose keys are all known; each reader says which field breaks which rule.
 */

/** What a field is not. Thrown inside a reader, never out of it. */
export class Malformed extends Error {}

export type Json = Readonly<Record<string, unknown>>;

/** The object, if it has exactly these keys. */
export function object(value: unknown, name: string, keys: ReadonlySet<string>): Json {
  if (!isObject(value)) throw new Malformed(`${name} is not an object`);
  for (const key of keys)
    if (!Object.hasOwn(value, key)) throw new Malformed(`${name}.${key} is missing`);
  for (const key in value) if (!keys.has(key)) throw new Malformed(`${name} has an unknown key`);
  return value;
}

export function text(json: Json, key: string): string {
  const value = json[key];
  if (typeof value !== "string") throw new Malformed(`${key} is not text`);
  return value;
}

/** A whole number between `min` and `max`, both included. */
export function whole(json: Json, key: string, min: number, max: number): number {
  const value = json[key];
  const fits = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
  if (!fits) throw new Malformed(`${key} is not a whole number in range`);
  return value as number;
}

/** Null, or what `read` makes of the field. */
export function nullable<T>(json: Json, key: string, read: () => T): T | null {
  return json[key] === null ? null : read();
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
