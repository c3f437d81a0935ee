// Options of a client and of a single call.

import { toText } from "./convert.js";
import type { Logger, LogLevel } from "./log.js";

/** Of what a client is made. What is not given comes from the environment, else from the default. */
export interface ClientOptions {
  /**
   * The base URL of the environment, such as `https://acme.scalekit.com`. Else
   * `SCALEKIT_ENVIRONMENT_URL` or `SCALEKIT_ENV_URL`.
   */
  envUrl?: string | undefined;
  /** The client id, such as `skc_…`. Else `SCALEKIT_CLIENT_ID`. */
  clientId?: string | undefined;
  /** The client secret. Else `SCALEKIT_CLIENT_SECRET`. */
  clientSecret?: string | undefined;
  /** Allows `http://` beyond this machine. Tokens then travel unprotected. `false` if not set. */
  allowInsecureHttp?: boolean | undefined;
  /**
   * A PEM file with the certificates of further CAs, trusted in addition to the system's and
   * Mozilla's.
   */
  caFile?: string | undefined;
  /** Deadline of each call as a whole, repeats included, in milliseconds: up to a year. One minute if not set. */
  timeoutMs?: number | undefined;
  /** Deadline of each single try, in milliseconds. 20 seconds if not set. */
  attemptTimeoutMs?: number | undefined;
  /** Deadline for connecting, in milliseconds. 10 seconds if not set. */
  connectTimeoutMs?: number | undefined;
  /** Repeats after a failed try, where repeating is harmless: 0 to 100. 3 if not set. */
  maxRetries?: number | undefined;
  /** Waits between tries are random, up to this many milliseconds at first. 250 if not set. */
  backoffBaseMs?: number | undefined;
  /** Waits between tries are doubled each time up to this many milliseconds. 8,000 if not set. */
  backoffCapMs?: number | undefined;
  /** What is told of each call once it has ended. The `console`, if only a level is given. */
  logger?: Logger | undefined;
  /**
   * From which level on. Else `SCALEKIT_VMCP_LOG`; else `debug` with a `logger`, for that one chooses
   * itself, and `off` without.
   */
  logLevel?: LogLevel | undefined;
}

/** Options of one call. */
export interface RequestOptions {
  /** Aborts the call: it rejects with the signal's reason, and the request is dropped. */
  signal?: AbortSignal | undefined;
  /** Deadline of this call as a whole, repeats included, in milliseconds: up to a year. The client's if not set. */
  timeoutMs?: number | undefined;
  /** Repeats after a failed try, where repeating is harmless: 0 to 100. The client's if not set. */
  maxRetries?: number | undefined;
  /** More headers, such as `traceparent`; those that the client sets itself are refused. */
  headers?: Record<string, string> | undefined;
}

/** Options of a call that has nothing but a signal. */
export type SignalOptions = Pick<RequestOptions, "signal">;

/** Options of {@link Session.token}. */
export interface TokenOptions extends SignalOptions {
  /**
   * How long the token must live from now, in seconds, for a client that cannot take a new one in the
   * middle of its run: at most the `expirySeconds` of the session. If not set, the token lives for 10
   * seconds at least.
   */
  validForSeconds?: number | undefined;
}

/** The JSON of what the core has to know of the options, without the signal. @internal */
export function requestText(options: object): string | undefined {
  return Object.keys(options).length === 0 ? undefined : toText(options, "RequestOptions");
}
