/**
 * Virtual MCP servers for agent developers (unofficial client of Scalekit AgentKit).
 *
 * @packageDocumentation
 */

export { Actions } from "./actions.js";
export { ScalekitClient } from "./client.js";
export type { ErrorFacts, ErrorKind } from "./errors.js";
export {
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
export type { LogFields, Logger, LogLevel } from "./log.js";
export type * from "./types.js";
export { McpActions, type OpenSessionOptions } from "./mcp.js";
export type { ClientOptions, RequestOptions, SignalOptions, TokenOptions } from "./options.js";
export { type AuthProvider, Session } from "./session.js";
export { AccountWait } from "./wait.js";
