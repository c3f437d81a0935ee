// Between the objects of users (camel case) and JSON text (snake case), by the generated tables.

import { argumentError } from "./failure.js";
import { hide } from "./hidden.js";
import { fieldsOf } from "./tables.js";

/** The most levels of a value: fewer than the core reads, and more than anyone writes. */
const DEEPEST = 99;

/**
 * The JSON text of what a user passed. Keys that no table knows go without their values: the core
 * refuses them and knows what was meant.
 *
 * @internal
 */
export function toText(value: unknown, type: string): string {
  return JSON.stringify(toWire(value ?? {}, type, "", 0));
}

/** `free`: inside a map of the user's own, where `null` is a value like any other. */
function toWire(value: unknown, type: string | undefined, path: string, depth: number, free = false): unknown {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw refused(path, `must be a number, got ${value}`);
      return value;
    case "string":
      if (!value.isWellFormed()) throw refused(path, "holds half a character (a lone surrogate)");
      return value;
    case "bigint":
    case "function":
    case "symbol":
      throw refused(path, `must not be a ${typeof value}`);
  }
  // Absent is absent: what is `null` could be meant to clear something, which would not happen.
  if (value === null && !free) throw refused(path, "must not be null: leave it out");
  if (value === null || typeof value !== "object") return value;
  if (depth > DEEPEST) throw refused(path.replace(/[.[].*/s, ""), `has more than ${DEEPEST} levels, or holds itself`);
  if (isList(value)) return toList(value, type, path, depth, free);
  if (!isPlain(value)) throw refused(path, `must not be ${kindOf(value)}`);
  const fields = type === undefined ? undefined : fieldsOf(type);
  // Without a prototype `__proto__` is a key like any other.
  const wire = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(copyOf(value, path))) {
    const inner = inside(path, key);
    const field = fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined && type !== undefined) {
      refuseWireName(key, inner, type);
      if (item !== undefined) wire[key] = null;
      continue;
    }
    if (field?.explicit === true && item === undefined) throw refused(inner, "must not be undefined: leave it out to show every tool");
    const converted = toWire(item, field?.type, inner, depth + 1, type === undefined);
    wire[field?.wire ?? key] = field?.milliseconds === true && typeof converted === "number" ? converted / 1000 : converted;
  }
  return wire;
}

function toList(list: readonly unknown[], type: string | undefined, path: string, depth: number, free: boolean): unknown[] {
  const wire = [];
  const length = propertyOf(list, "length", path) as number;
  for (let index = 0; index < length; index += 1) {
    const inner = `${path}[${index}]`;
    const item = propertyOf(list, index, inner);
    // JSON would make it `null`.
    if (item === undefined) throw refused(inner, "must not be undefined");
    wire.push(toWire(item, type, inner, depth + 1, free));
  }
  return wire;
}

/**
 * The own properties of an object, each read once: a getter may throw, or answer differently next
 * time.
 *
 * @internal
 */
export function copyOf(value: object, path: string): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of read(path, () => Object.keys(value))) {
    if (!key.isWellFormed()) throw refused(inside(path, key.toWellFormed()), "has half a character (a lone surrogate) in its name");
    copy[key] = propertyOf(value, key, inside(path, key));
  }
  return copy;
}

/** A property; `path` is named when it cannot be read. @internal */
export function propertyOf(value: object, key: PropertyKey, path: string): unknown {
  return read(path, () => Reflect.get(value, key));
}

function read<T>(path: string, from: () => T): T {
  try {
    return from();
  } catch (cause) {
    throw argumentError("argument_type", nameOf(path), `${named(path)} cannot be read: reading it throws`, undefined, cause);
  }
}

/** Whether it is an object as a user writes one, and not one that means something else. @internal */
export function isPlain(value: object): boolean {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || (!Array.isArray(value) && Object.getPrototypeOf(prototype) === null);
  } catch {
    return false;
  }
}

function isList(value: object): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** What an object that is not plain is, for a person. */
function kindOf(value: object): string {
  try {
    const name: unknown = value.constructor.name;
    if (typeof name === "string" && name !== "" && name !== "Object") return `a ${name}`;
  } catch {
    return "a proxy that was revoked, or something else that cannot be read";
  }
  return "an object with a prototype of its own";
}

function inside(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function refused(path: string, rule: string): Error {
  return argumentError("argument_type", nameOf(path), `${named(path)} ${rule}`);
}

function nameOf(path: string): string {
  return path === "" ? "parameters" : path;
}

function named(path: string): string {
  return path === "" ? "the parameters" : `\`${path}\``;
}

/** A name of the wire is no name here, although the core would take it. */
function refuseWireName(key: string, path: string, type: string): void {
  const meant = Object.entries(fieldsOf(type)).find(([, field]) => field.wire === key)?.[0];
  if (meant !== undefined) {
    throw argumentError("unknown_argument", path, `there is no argument \`${key}\``, `did you mean \`${meant}\`?`);
  }
}

/**
 * The object that a JSON text stands for. What is `null` there is absent here; secrets are not
 * enumerable, so that neither `console.log` nor JSON shows them.
 *
 * @internal
 */
export function fromText(text: string, type: string | undefined): unknown {
  return fromWire(JSON.parse(text), type);
}

/** @internal */
export function fromWire(value: unknown, type: string | undefined): unknown {
  if (type === undefined || value === null) return value;
  if (type === "Date") return new Date(value as string);
  if (Array.isArray(value)) return value.map((item) => fromWire(item, type));
  const wire = value as Record<string, unknown>;
  const object: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fieldsOf(type))) {
    const item = wire[field.wire];
    if (item === undefined || item === null) continue;
    if (field.secret === true) {
      hide(object, name, item);
    } else {
      object[name] = fromWire(item, field.type);
    }
  }
  return object;
}
