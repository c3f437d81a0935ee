// From a native answer to a result or an error: cancellation, error classes, the caller's stack.

import { copyOf, fromWire, isPlain } from "./convert.js";
import { ScalekitError } from "./errors.js";
import { argumentError, errorFromText } from "./failure.js";
import { OPERATIONS, type ConnectionAuthState } from "./generated.js";
import type { Log } from "./log.js";
import { CallHandle } from "./native.js";

/** What a native function answers with: one of the two, or neither after a cancellation. */
interface Outcome<T> {
  ok?: T;
  error?: string;
}

/** Lets `console.log` show what JSON would hold, in Node, Bun and Deno. @internal */
export function showAs(constructor: { readonly name: string; readonly prototype: { toJSON(): object } }): void {
  const inspected = function (this: { toJSON(): object }, _depth: number, options: object, inspect?: (value: object, options: object) => string): string {
    return inspect === undefined ? constructor.name : `${constructor.name} ${inspect(this.toJSON(), options)}`;
  };
  Object.defineProperty(constructor.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: inspected });
}

/** Where in the user's program a call was made, and which. @internal */
export interface Site {
  stack?: string;
  /** By its name on the wire; none for what is no operation of the API. */
  operation: string;
  /** The type of what was passed, where it is no operation of the API. */
  type?: string | undefined;
}

/** Notes the stack above `entry`, the function or class that the user called. @internal */
export function siteOf(entry: Function, operation: string = ""): Site {
  const site: Site = { operation, type: undefined };
  Error.captureStackTrace(site, entry);
  return site;
}

/**
 * Calls a native function and waits for its answer, unless `signal` is aborted first: then nothing
 * more is sent, and the signal's reason is thrown. What was done is told to `log` either way.
 *
 * @returns The result. Only a stream answers with nothing: at its end.
 * @internal
 */
export async function answered<T>(
  site: Site,
  signal: AbortSignal | undefined,
  log: Log | undefined,
  start: (handle: CallHandle | undefined) => Promise<Outcome<T>>,
): Promise<T> {
  if (signal === undefined && log === undefined) return settled(site, await start(undefined));
  signal?.throwIfAborted();
  const handle = log?.handle() ?? new CallHandle();
  const leave = signal === undefined ? undefined : onAbort(signal, () => handle.cancel());
  try {
    const outcome = await start(handle);
    // Also where an answer came first: on a busy machine it may have waited for this thread.
    signal?.throwIfAborted();
    return settled(site, outcome);
  } finally {
    leave?.();
    log?.tell(handle);
  }
}

/** The calls under way of each signal. */
const WAITING = new WeakMap<AbortSignal, { calls: Set<() => void>; listener: () => void }>();

/**
 * Calls `abort` with the signal, until what it returns is called. However many calls share a signal,
 * it has one listener: Node warns of more than ten.
 */
function onAbort(signal: AbortSignal, abort: () => void): () => void {
  let waiting = WAITING.get(signal);
  if (waiting === undefined) {
    const calls = new Set<() => void>();
    waiting = { calls, listener: () => calls.forEach((call) => call()) };
    WAITING.set(signal, waiting);
    signal.addEventListener("abort", waiting.listener, { once: true });
  }
  const { calls, listener } = waiting;
  calls.add(abort);
  return () => {
    calls.delete(abort);
    if (calls.size > 0) return;
    signal.removeEventListener("abort", listener);
    WAITING.delete(signal);
  };
}

/** The result of an outcome, or its error thrown. @internal */
export function settled<T>(site: Site, outcome: Outcome<T>): T {
  const { ok, error } = Object.assign(Object.create(null) as Outcome<T>, outcome);
  if (error === undefined) return ok as T;
  const states = (wire: unknown): ConnectionAuthState[] => fromWire(wire, "ConnectionAuthState") as ConnectionAuthState[];
  throw at(site, errorFromText(error, site.type ?? OPERATIONS[site.operation]?.parameters, states));
}

/** The signal of the options, if there is one, and what else they hold. @internal */
export function optionsOf(options: unknown): [AbortSignal | undefined, Record<string, unknown>] {
  const { signal, ...rest } = plain(options, "{ signal }");
  if (signal === undefined || signal === null) return [undefined, rest];
  if (!isSignal(signal)) throw argumentError("argument_type", "signal", "`signal` must be an AbortSignal");
  return [signal, rest];
}

/** The options of something that has no others than the signal and those that are `known`. @internal */
export function onlyOptions(options: unknown, known: readonly string[] = []): [AbortSignal | undefined, Record<string, unknown>] {
  const [signal, rest] = optionsOf(options);
  const other = Object.keys(rest).find((key) => !known.includes(key));
  if (other !== undefined) {
    throw argumentError("unknown_argument", other, `there is no option \`${other}\``, `known are ${[...known, "signal"].join(", ")}`);
  }
  return [signal, rest];
}

/** A copy of options, where they are a plain object such as `like`, or none. @internal */
export function plain(options: unknown, like: string): Record<string, unknown> {
  if (options === undefined || options === null) return Object.create(null) as Record<string, unknown>;
  if (typeof options !== "object" || !isPlain(options)) {
    throw argumentError("argument_type", "options", `the options must be a plain object such as \`${like}\``);
  }
  return copyOf(options, "");
}

function isSignal(value: unknown): value is AbortSignal {
  try {
    const { throwIfAborted, addEventListener } = value as AbortSignal;
    return typeof throwIfAborted === "function" && typeof addEventListener === "function";
  } catch {
    return false;
  }
}

/** Reads what a user passed; an error gets the stack of the user's call. @internal */
export function located<T>(site: Site, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof ScalekitError ? at(site, error) : error;
  }
}

function at(site: Site, error: ScalekitError): ScalekitError {
  if (site.stack !== undefined) {
    const frames = site.stack.slice(site.stack.indexOf("\n") + 1);
    Object.defineProperty(error, "stack", { value: `${error.name}: ${error.message}\n${frames}`, configurable: true, writable: true });
  }
  return error;
}
