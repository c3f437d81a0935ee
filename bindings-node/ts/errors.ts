// The error classes.

import type { ConnectionAuthState } from "./generated.js";
import { hide } from "./hidden.js";
import { explain } from "./native.js";

/** What kind of failure it is. Coarse on purpose: {@link ScalekitError.code} is the fine one. */
export type ErrorKind =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "conflict"
  | "rate_limited"
  | "authorization_required"
  | "timeout"
  | "connection"
  | "server"
  | "protocol"
  | "closed";

/** What an error is made of. */
export interface ErrorFacts {
  /** See {@link ScalekitError.kind}. */
  kind: ErrorKind;
  /** See {@link ScalekitError.code}. */
  code: string;
  /** One sentence for a person. */
  message: string;
  /** See {@link ScalekitError.argument}. */
  argument?: string | undefined;
  /** See {@link ScalekitError.status}. */
  status?: number | undefined;
  /** See {@link ScalekitError.errorCode}. */
  errorCode?: string | undefined;
  /** See {@link ScalekitError.requestId}. */
  requestId?: string | undefined;
  /** See {@link ScalekitError.retryAfterMs}. */
  retryAfterMs?: number | undefined;
  /** See {@link ScalekitError.attempts}. */
  attempts?: number | undefined;
  /** See {@link ScalekitError.retryable}. */
  retryable?: boolean | undefined;
  /** See {@link ScalekitError.details}. */
  details?: unknown;
  /** See {@link ScalekitError.suggestion}. */
  suggestion?: string | undefined;
  /** See {@link ScalekitAuthorizationRequiredError.connections}. */
  connections?: ConnectionAuthState[] | undefined;
  /** What was thrown by something that the caller passed, such as a getter: the `cause` of the error. */
  cause?: unknown;
}

/** The root of every error of this package. Holds no token, secret or key. */
export class ScalekitError extends Error {
  /** The coarse kind. */
  declare readonly kind: ErrorKind;
  /** The fine, stable code, such as `config_name_invalid` or `deadline_exceeded`. */
  declare readonly code: string;
  /** The argument that breaks a rule, such as `connectionToolMappings[0].tools`. */
  declare readonly argument: string | undefined;
  /** The HTTP status, if the server answered. */
  declare readonly status: number | undefined;
  /** The server's own code, such as `RESOURCE_NOT_FOUND`. */
  declare readonly errorCode: string | undefined;
  /** The id of the request at the server: name it when you ask for support. */
  declare readonly requestId: string | undefined;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfterMs: number | undefined;
  /** How many times the request was sent or tried; 0 if the error was found before any request. */
  declare readonly attempts: number;
  /** Whether the same call may succeed later without any change. */
  declare readonly retryable: boolean;
  /** What to do about it, where that is known; it is the end of the message too. */
  declare readonly suggestion: string | undefined;
  /** The `details` of the server's error body, as it sent them. Not enumerable. */
  declare readonly details: unknown;

  /** Makes an error from what is known of it. */
  constructor(facts: ErrorFacts) {
    const own = Object.assign(Object.create(null) as ErrorFacts, facts);
    const { message, details, connections: _connections, cause, ...shown } = own;
    const text = own.suggestion === undefined ? message : `${message}; ${own.suggestion}`;
    super(text, cause === undefined ? undefined : { cause });
    Object.assign(this, { attempts: 0, retryable: false });
    for (const [name, value] of Object.entries(shown)) {
      if (value !== undefined) Object.assign(this, { [name]: value });
    }
    hide(this, "details", details);
  }

  /** What {@link code} means and what to do: a paragraph, the same as `vmcp explain` prints. */
  get explanation(): string | undefined {
    return explain(this.code) ?? undefined;
  }

  /** What may be logged: neither links nor the server's details. */
  toJSON(): Record<string, unknown> {
    return Object.assign({ name: this.name, message: this.message }, this as object);
  }
}

// Names are written out so that they survive minifiers, and kept off the objects.
function named(constructor: { prototype: object }, name: string): void {
  Object.defineProperty(constructor.prototype, "name", { value: name, configurable: true, writable: true });
}

/** An argument breaks a rule: found here, before any request where the argument alone tells. */
export class ScalekitValidationError extends ScalekitError {}
/** The server refused the request as it was made. */
export class ScalekitBadRequestError extends ScalekitError {}
/** The client credentials or the access token were refused. */
export class ScalekitUnauthorizedError extends ScalekitError {}
/** The credentials are good but lack a permission. */
export class ScalekitForbiddenError extends ScalekitError {}
/** No such object in the environment. */
export class ScalekitNotFoundError extends ScalekitError {}
/** The object exists already or was changed meanwhile. */
export class ScalekitConflictError extends ScalekitError {}
/** Too many requests; see {@link ScalekitError.retryAfterMs}. */
export class ScalekitTooManyRequestsError extends ScalekitError {}
/** A deadline passed at the server. */
export class ScalekitGatewayTimeoutError extends ScalekitError {}
/** A deadline passed here. */
export class ScalekitTimeoutError extends ScalekitGatewayTimeoutError {}
/** The server could not be reached, or the connection broke. */
export class ScalekitConnectionError extends ScalekitError {}
/** The server failed. */
export class ScalekitInternalServerError extends ScalekitError {}
/** The server does not know this operation. */
export class ScalekitNotImplementedError extends ScalekitError {}
/** The server is not available for now. */
export class ScalekitServiceUnavailableError extends ScalekitError {}
/** The server answered something that the API does not say. */
export class ScalekitUnknownError extends ScalekitError {}
/** The client has been closed, or the process is ending. */
export class ScalekitCancelledError extends ScalekitError {}

/** The user must authorize one or more connections first. */
export class ScalekitAuthorizationRequiredError extends ScalekitError {
  /** Each of them, with status and a fresh link. Not enumerable: the links stay out of logs. */
  declare readonly connections: ConnectionAuthState[];

  /** Makes an error from what is known of it. */
  constructor(facts: ErrorFacts) {
    super(facts);
    hide(this, "connections", facts.connections ?? []);
  }
}

type ErrorClass = new (facts: ErrorFacts) => ScalekitError;

const CLASSES: Record<string, ErrorClass> = {
  ScalekitError,
  ScalekitValidationError,
  ScalekitBadRequestError,
  ScalekitUnauthorizedError,
  ScalekitForbiddenError,
  ScalekitNotFoundError,
  ScalekitConflictError,
  ScalekitTooManyRequestsError,
  ScalekitGatewayTimeoutError,
  ScalekitTimeoutError,
  ScalekitConnectionError,
  ScalekitInternalServerError,
  ScalekitNotImplementedError,
  ScalekitServiceUnavailableError,
  ScalekitUnknownError,
  ScalekitCancelledError,
  ScalekitAuthorizationRequiredError,
};
for (const [name, constructor] of Object.entries(CLASSES)) named(constructor, name);
