// Between the objects of users (camel case) and JSON text (snake case), by the generated tables.

import { argumentError } from "./failure.js";
import { TABLES } from "./tables.js";

/**
 * The JSON text of what a user passed. Keys that no table knows go without their values: the core
 * refuses them and knows what was meant.
 *
 * @internal
 */
export function toText(value: unknown, type: string): string {
  return JSON.stringify(toWire(value ?? {}, type, ""));
}

/** `free`: inside a map of the user's own, where `null` is a value like any other. */
function toWire(value: unknown, type: string | undefined, path: string, free = false): unknown {
  switch (typeof value) {
    case "number":
      if (!Number.isFinite(value)) throw argumentError("argument_type", path, `\`${path}\` must be a number, got ${value}`);
      return value;
    case "bigint":
    case "function":
    case "symbol":
      throw argumentError("argument_type", path, `${named(path)} must not be a ${typeof value}`);
  }
  // Absent is absent: what is `null` could be meant to clear something, which would not happen.
  if (value === null && !free) throw argumentError("argument_type", path, `${named(path)} must not be null: leave it out`);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item, index) => toWire(item, type, `${path}[${index}]`, free));
  if (!isPlain(value)) throw argumentError("argument_type", path, `${named(path)} must not be a ${value.constructor.name}`);
  const fields = type === undefined ? undefined : (TABLES[type] ?? {});
  // Without a prototype `__proto__` is a key like any other.
  const wire = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) {
    const inner = path === "" ? key : `${path}.${key}`;
    const field = fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined && type !== undefined) {
      refuseWireName(key, inner, type);
      if (item !== undefined) wire[key] = null;
      continue;
    }
    if (field?.explicit === true && item === undefined) {
      throw argumentError("argument_type", inner, `\`${inner}\` must not be undefined: leave it out to show every tool`);
    }
    const converted = toWire(item, field?.type, inner, type === undefined);
    wire[field?.wire ?? key] = field?.milliseconds === true && typeof converted === "number" ? converted / 1000 : converted;
  }
  return wire;
}

/** Whether it is an object as a user writes one, and not one that means something else. @internal */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function named(path: string): string {
  return path === "" ? "the parameters" : `\`${path}\``;
}

/** A name of the wire is no name here, although the core would take it. */
function refuseWireName(key: string, path: string, type: string): void {
  const meant = Object.entries(TABLES[type] ?? {}).find(([, field]) => field.wire === key)?.[0];
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
  for (const [name, field] of Object.entries(TABLES[type] ?? {})) {
    const item = wire[field.wire];
    if (item === undefined || item === null) continue;
    if (field.secret === true) {
      Object.defineProperty(object, name, { value: item, writable: true, configurable: true });
    } else {
      object[name] = fromWire(item, field.type);
    }
  }
  return object;
}
