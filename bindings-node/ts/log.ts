// What calls did, told to the user's logger once a call has ended. Off, and free, unless asked for.

import { fromWire } from "./convert.js";
import { argumentError } from "./failure.js";
import { CallHandle, NativeLog } from "./native.js";

/** From which level on a client logs. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "off";

type Method = Exclude<LogLevel, "off">;

const METHODS: readonly Method[] = ["debug", "info", "warn", "error"];
const LEVELS: readonly LogLevel[] = [...METHODS, "off"];
const VARIABLE = "SCALEKIT_VMCP_LOG";

/** What a record is about, as far as it is known. Holds no token, secret or link. */
export interface LogFields {
  /** The HTTP method. */
  method?: string;
  /** The path of the request, without its query. */
  path?: string;
  /** The HTTP status, if the server answered. */
  status?: number;
  /** The code of the error, if it failed; see {@link ScalekitError.code}. */
  code?: string;
  /** Which try of the call it was, from 1 on. */
  attempt?: number;
  /** The id of the request at the server. */
  requestId?: string;
  /** How long the try took, in milliseconds. */
  durationMs?: number;
  /** How long the client waits before it tries again, in milliseconds. */
  waitMs?: number;
}

/**
 * Where a client logs: `console`, winston, consola and others are one as they are. What it throws
 * or rejects with is dropped. For pino, which wants the fields first, turn them round:
 * `debug: (message, fields) => log.debug(fields, message)`.
 */
export interface Logger {
  /** Each request, and what came of it. */
  debug(message: string, fields: LogFields): void;
  /** What was done about a failure: another try, another access token. */
  info(message: string, fields: LogFields): void;
  /** What nobody else is told: a session token that could not be renewed in time. */
  warn(message: string, fields: LogFields): void;
  /** Nothing so far: a failed call rejects. */
  error(message: string, fields: LogFields): void;
}

interface LogRecord {
  level: string;
  message: string;
  fields: object;
}

/** The log of one client. @internal */
export class Log {
  readonly #logger: Logger | undefined;
  readonly #native: NativeLog;

  private constructor(logger: Logger | undefined, level: string) {
    this.#logger = logger;
    this.#native = new NativeLog(level);
  }

  /** None if nothing is wanted. */
  static of(logger: unknown, level: unknown): Log | undefined {
    const given = logger === undefined ? undefined : loggerOf(logger);
    const wanted =
      level === undefined ? (levelOf(VARIABLE, process.env[VARIABLE] || undefined) ?? (given && "debug")) : levelOf("logLevel", level);
    return wanted === undefined || wanted === "off" ? undefined : new Log(given, wanted);
  }

  /** The handle of a call that is told of. */
  handle(): CallHandle {
    return new CallHandle(this.#native);
  }

  /** Tells what a call did, in the asynchronous context of the caller. */
  tell(handle: CallHandle): void {
    for (const { level, message, fields } of JSON.parse(handle.takeRecords() ?? "[]") as LogRecord[]) {
      this.#tellOne(level.toLowerCase() as Method, message, fromWire(fields, "LogFields") as LogFields);
    }
  }

  #tellOne(level: Method, message: string, fields: LogFields): void {
    // Neither a logger that throws nor one that rejects may harm the call.
    try {
      const told: unknown = this.#logger === undefined ? console[level]("scalekit-vmcp:", message, fields) : this.#logger[level](message, fields);
      if (told !== undefined) Promise.resolve(told).catch(() => {});
    } catch {}
  }
}

function loggerOf(logger: unknown): Logger {
  const missing = METHODS.find((name) => typeof (logger as Partial<Logger> | null)?.[name] !== "function");
  if (missing === undefined) return logger as Logger;
  const message = `\`logger.${missing}\` must be a function`;
  throw argumentError("argument_type", `logger.${missing}`, message, "pass `console`, or an object with `debug`, `info`, `warn` and `error`");
}

function levelOf(name: string, level: unknown): LogLevel | undefined {
  if (level === undefined || LEVELS.includes(level as LogLevel)) return level as LogLevel | undefined;
  const got = typeof level === "string" ? JSON.stringify(level) : `a value of type ${typeof level}`;
  throw argumentError("argument_type", name, `\`${name}\` must be one of ${LEVELS.map((known) => `\`${known}\``).join(", ")}, got ${got}`);
}
