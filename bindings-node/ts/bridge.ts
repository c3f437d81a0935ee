// From a native answer to a result or an error: cancellation, error classes, the caller's stack.

import { fromWire, isPlain } from "./convert.js";
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
  type?: string;
}

/** Notes the stack above `entry`, the function or class that the user called. @internal */
export function siteOf(entry: Function, operation: string = ""): Site {
  const site: Site = { operation };
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
  const abort = (): void => handle.cancel();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const outcome = await start(handle);
    if (outcome.ok === undefined && outcome.error === undefined) signal?.throwIfAborted();
    return settled(site, outcome);
  } finally {
    signal?.removeEventListener("abort", abort);
    log?.tell(handle);
  }
}

/** The result of an outcome, or its error thrown. @internal */
export function settled<T>(site: Site, outcome: Outcome<T>): T {
  if (outcome.error === undefined) return outcome.ok as T;
  const states = (wire: unknown): ConnectionAuthState[] => fromWire(wire, "ConnectionAuthState") as ConnectionAuthState[];
  throw at(site, errorFromText(outcome.error, site.type ?? OPERATIONS[site.operation]?.parameters, states));
}

/** The signal of the options, if it is one. @internal */
export function signalOf(options: { signal?: unknown } | undefined): AbortSignal | undefined {
  if (options === undefined || options === null) return undefined;
  if (typeof options !== "object" || Array.isArray(options) || !isPlain(options)) {
    throw argumentError("argument_type", "options", "the options must be a plain object such as `{ signal }`");
  }
  const signal = options.signal;
  if (signal === undefined || signal === null) return undefined;
  if (typeof (signal as AbortSignal).throwIfAborted !== "function" || typeof (signal as AbortSignal).addEventListener !== "function") {
    throw argumentError("argument_type", "signal", "`signal` must be an AbortSignal");
  }
  return signal as AbortSignal;
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
