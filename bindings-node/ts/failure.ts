// From what the core says of a failure to an error of the right class.

import {
  type ErrorFacts,
  type ErrorKind,
  ScalekitAuthorizationRequiredError,
  ScalekitBadRequestError,
  ScalekitCancelledError,
  ScalekitConflictError,
  ScalekitConnectionError,
  ScalekitError,
  ScalekitForbiddenError,
  ScalekitGatewayTimeoutError,
  ScalekitInternalServerError,
  ScalekitNotFoundError,
  ScalekitNotImplementedError,
  ScalekitServiceUnavailableError,
  ScalekitTimeoutError,
  ScalekitTooManyRequestsError,
  ScalekitUnauthorizedError,
  ScalekitUnknownError,
  ScalekitValidationError,
} from "./errors.js";
import { durationOf, inOurWords } from "./tables.js";
import type { ConnectionAuthState } from "./generated.js";

type ErrorClass = new (facts: ErrorFacts) => ScalekitError;

/** The class of each kind. */
const KINDS: Record<ErrorKind, ErrorClass> = {
  invalid_argument: ScalekitValidationError,
  unauthenticated: ScalekitUnauthorizedError,
  permission_denied: ScalekitForbiddenError,
  not_found: ScalekitNotFoundError,
  conflict: ScalekitConflictError,
  rate_limited: ScalekitTooManyRequestsError,
  authorization_required: ScalekitAuthorizationRequiredError,
  timeout: ScalekitTimeoutError,
  connection: ScalekitConnectionError,
  server: ScalekitInternalServerError,
  protocol: ScalekitUnknownError,
  closed: ScalekitCancelledError,
};

/** Codes with a class other than their kind's. */
const CODES: Partial<Record<ErrorKind, Record<string, ErrorClass>>> = {
  invalid_argument: {
    bad_request: ScalekitBadRequestError,
    request_too_large: ScalekitBadRequestError,
    access_token_unavailable: ScalekitBadRequestError,
    tool_error: ScalekitBadRequestError,
  },
  timeout: { gateway_timeout: ScalekitGatewayTimeoutError, tool_error: ScalekitGatewayTimeoutError },
  server: {
    not_implemented: ScalekitNotImplementedError,
    service_unavailable: ScalekitServiceUnavailableError,
  },
};

/** What the core says of a failure; the engine says the first three only. */
interface Failure {
  kind: ErrorKind;
  code: string;
  message: string;
  argument?: string | null;
  status?: number | null;
  error_code?: string | null;
  request_id?: string | null;
  retry_after_ms?: number | null;
  attempts?: number;
  retryable?: boolean;
  details?: unknown;
  suggestion?: string | null;
  connections?: unknown[];
}

function errorOf(facts: ErrorFacts): ScalekitError {
  const constructor = CODES[facts.kind]?.[facts.code] ?? KINDS[facts.kind] ?? ScalekitError;
  return new constructor(facts);
}

/** A broken rule of `argument`, found here. @internal */
export function argumentError(code: string, argument: string, message: string, suggestion?: string, cause?: unknown): ScalekitError {
  return errorOf({ kind: "invalid_argument", code, argument, message, suggestion, cause });
}

/** The error that a failure of the core stands for, in the words of what was passed as `type`. @internal */
export function errorFromText(text: string, type: string | undefined, states: (wire: unknown) => ConnectionAuthState[]): ScalekitError {
  const failure = Object.assign(Object.create(null) as Failure, JSON.parse(text) as Failure);
  const words = (text: string): string => {
    const duration = failure.code === "unknown_argument" ? undefined : durationOf(failure.argument, type);
    if (duration === undefined) return inOurWords(text, type);
    // It may be compared with another duration.
    return text.replace(failure.argument ?? "", duration).replace(/(?<=`)\w+(?=`)/g, (name) => durationOf(name, type) ?? name);
  };
  return errorOf({
    kind: failure.kind,
    code: failure.code,
    // A text of the server is left as it is.
    message: failure.status == null ? words(failure.message) : failure.message,
    argument: failure.argument == null ? undefined : words(failure.argument),
    status: failure.status ?? undefined,
    errorCode: failure.error_code ?? undefined,
    requestId: failure.request_id ?? undefined,
    retryAfterMs: failure.retry_after_ms ?? undefined,
    attempts: failure.attempts,
    retryable: failure.retryable,
    details: failure.details ?? undefined,
    suggestion: failure.suggestion == null ? undefined : words(failure.suggestion),
    connections: states(failure.connections ?? []),
  });
}
