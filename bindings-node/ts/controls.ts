// What a test can do to a local engine, and what it is told.

/** Where an account is in its life. */
export type AccountStatus = "ACTIVE" | "EXPIRED" | "PENDING_AUTH" | "PENDING_VERIFICATION" | "DISCONNECTED";

/** Configs and accounts to store at once, all of them or none. */
export interface Seed {
  /** The configs. */
  configs?: SeedConfig[] | undefined;
  /** The accounts. */
  accounts?: SeedAccount[] | undefined;
}

/** A config to store. The rules are those of `createConfig`. */
export interface SeedConfig {
  /** Its name. */
  name: string;
  /** What it is for. */
  description?: string | undefined;
  /** Its connections. Without `tools` all of a connection's are shown. */
  connectionToolMappings?: { connectionName: string; tools?: string[] }[] | undefined;
}

/** An account to store. */
export interface SeedAccount {
  /** The connection. */
  connectionName: string;
  /** The user. */
  identifier: string;
  /** `ACTIVE` with a credential and where none is needed, else `PENDING_AUTH`, if not given. */
  status?: AccountStatus | undefined;
  /** An API key, where the connection needs one. */
  credential?: string | undefined;
}

/** Which account to move to which status. */
export interface StatusChange {
  /** The connection. */
  connectionName: string;
  /** The user. */
  identifier: string;
  /** The status it shall have. */
  status: AccountStatus;
}

/** A link for a user to authorize a connection, without its secret. */
export interface AuthLink {
  /** `link_…`: to complete or deny it. */
  id: string;
  /** The connection. */
  connectionName: string;
  /** The user. */
  identifier: string;
  /** What it is good for. */
  state: "open" | "used" | "expired" | "denied";
  /** When it dies unused, by the engine's clock. */
  expiresAt: Date;
}

/** What came of a completed link. */
export interface CompletedLink {
  /** The status of the account: `ACTIVE`, or `PENDING_VERIFICATION` where the link asked for it. */
  status: AccountStatus;
  /** Then: where the user's browser would go, with the `auth_request_id`. Not enumerable. */
  verifyUrl?: string;
}

/**
 * What shall go wrong.
 *
 * It strikes at a `path`, or in the place of an upstream: say `path`, or any of `connectionName`,
 * `tool` and `identifier`. It does one of `status`, `hang`, `drop` and `garbage`, or waits.
 */
export interface Fault {
  /** The path of the API or of an MCP server; with `*` at its end all that start like it. */
  path?: string | undefined;
  /** Only this method: of HTTP for a path, else `tools/list` or `tools/call`. */
  method?: string | undefined;
  /** Only this connection's upstream. */
  connectionName?: string | undefined;
  /** Only calls of this tool. */
  tool?: string | undefined;
  /** Only what is asked on behalf of this user. */
  identifier?: string | undefined;
  /** From the nth match on, counted from 1; without `times` only that one. */
  nth?: number | undefined;
  /** At most so often. */
  times?: number | undefined;
  /** 0 to 1. With seeded ids the same matches are struck each time. */
  probability?: number | undefined;
  /** Waits in real time, up to 10 minutes; then comes another effect, or the request goes on. */
  latencyMs?: number | undefined;
  /** Answers with this status, 400 to 599. */
  status?: number | undefined;
  /** What that answer says to wait, in whole seconds; only for a path. */
  retryAfterSeconds?: number | undefined;
  /** Never answers: until the caller gives up, the engine's deadline for upstreams passes, or the faults are cleared. */
  hang?: boolean | undefined;
  /** Closes the connection without an answer. */
  drop?: boolean | undefined;
  /** Answers with what is neither JSON nor MCP. */
  garbage?: boolean | undefined;
}

/** A fault that was added, and what became of it. */
export interface AddedFault {
  /** Counts from 1, in the order in which they were added. */
  id: number;
  /** The fault. */
  fault: Fault;
  /** How many requests came to it: those that an earlier fault struck did not. */
  matched: number;
  /** How often it struck. */
  fired: number;
}

/** Which records of the journal are meant; what is not given does not filter. */
export interface JournalFilter {
  /** `http` requests, or the `tools/list` and `tools/call` of agents. */
  kind?: "http" | "mcp" | undefined;
  /** HTTP requests whose path starts like this. */
  pathPrefix?: string | undefined;
  /** Requests of this method, such as `POST` or `tools/call`. */
  method?: string | undefined;
  /** Calls of tools of this connection. */
  connectionName?: string | undefined;
  /** Calls of this tool. */
  tool?: string | undefined;
  /** What was asked on behalf of this user, by session token. */
  identifier?: string | undefined;
  /** Records after the one with this number. */
  since?: number | undefined;
}

/** For which records to wait. */
export interface JournalWait extends JournalFilter {
  /** How many; those that are there already count. 1 if not given. */
  count?: number | undefined;
  /** How long, up to 600 seconds. 10 if not given. */
  timeoutSeconds?: number | undefined;
}

/** One request. It holds no query, no body, no token and no link. */
export interface JournalRecord {
  /** Counts from 1, in the order in which requests ended; a reset begins anew. */
  seq: number;
  /** When it ended, by the engine's clock. */
  at: Date;
  /** Over HTTP, or of an agent. */
  kind: "http" | "mcp";
  /** `GET`, `POST` …; of MCP `tools/list` or `tools/call`. */
  method: string;
  /** The path of an HTTP request, at most 512 characters; that of a link is `/connect/…`. */
  path?: string;
  /** The status of the answer over HTTP; none if the connection closed without one. */
  status?: number;
  /** How long it took, in real time. */
  durationMs: number;
  /** The id that the answer had. */
  requestId?: string;
  /** The API client that asked, where its credentials were good. */
  clientId?: string;
  /** The user whose session token was used. */
  identifier?: string;
  /** The tool that was called. */
  tool?: string;
  /** The connection whose tool it is. */
  connectionName?: string;
  /** How an MCP request ended. */
  outcome?: "ok" | "tool_error" | "authorization_required" | "upstream_failed" | "refused" | "cancelled";
}

/** Which calls are meant; what is not given does not filter. */
export interface AuditFilter {
  /** Calls of this user. */
  identifier?: string | undefined;
  /** Calls at the server of this config. */
  configId?: string | undefined;
  /** Calls of tools of this connection. */
  connectionName?: string | undefined;
  /** Calls of this tool, by its exposed name. */
  tool?: string | undefined;
  /** Calls that were decided so. */
  decision?: "allowed" | "refused" | undefined;
  /** What follows the record with this number, instead of the newest. */
  since?: number | undefined;
  /** At most so many, up to 10,000. 1,000 if not given. */
  limit?: number | undefined;
}

/** One call of a tool. It holds no argument, no result and no token. */
export interface AuditRecord {
  /** Counts up, in the order in which calls ended. */
  seq: number;
  /** When it ended, by the engine's clock. */
  at: Date;
  /** The id that the answer had, also in the journal. */
  requestId: string;
  /** The user. */
  identifier: string;
  /** The config whose server was asked; none at a connection's own. */
  configId?: string;
  /** The connection whose tool it is; none if there is no such tool for this user. */
  connectionName?: string;
  /** The exposed name of the tool, at most 256 characters. */
  tool: string;
  /** What the upstream calls it, if that is something else. */
  upstreamTool?: string;
  /** Whether the upstream was called. */
  decision: "allowed" | "refused";
  /** Why it was not: `unknown_tool`, `authorization_required`, `upstream_unavailable` or `cancelled`. */
  reason?: string;
  /** How the call ended. */
  outcome: "ok" | "tool_error" | "authorization_required" | "upstream_failed" | "refused" | "cancelled";
  /** How many microseconds the engine took, without the upstream. */
  engineUs: number;
  /** How many microseconds the upstream took. */
  upstreamUs: number;
  /** The same for the same arguments; tells no value. */
  argumentsDigest: string;
}

/** Whose accounts are meant; what is not given does not filter. */
export interface DiagnosticsFilter {
  /** Accounts on this connection. */
  connectionName?: string | undefined;
  /** Accounts of this user. */
  identifier?: string | undefined;
  /** Accounts on the connections of this config; tools that two of these bring are left out. */
  configId?: string | undefined;
}

/** One user's account on one connection, and what the engine saw of its upstream. */
export interface Diagnosis {
  /** The connection. */
  connectionName: string;
  /** The user. */
  identifier: string;
  /** The account's id. */
  connectedAccountId: string;
  /** Where the account is in its life. */
  accountStatus: AccountStatus;
  /** Which revision of MCP the upstream speaks; none while it is not connected. */
  protocolVersion?: string;
  /** How many tools it has; none before it was first listed. */
  toolCount?: number;
  /** Which tools are neither listed nor callable, and why. */
  leftOut: LeftOutTool[];
  /** The last time that the upstream did not answer as it should. */
  lastError?: DiagnosedError;
  /** Until when the upstream is not asked, because it failed too often: requests get the reason at once. */
  retryAt?: Date;
}

/** A tool that is neither listed nor callable. */
export interface LeftOutTool {
  /** As its upstream calls it. */
  tool: string;
  /** `name_too_long`, `name_invalid`, `name_taken`, `listed_twice` or `name_of_two_connections`. */
  reason: string;
  /** The same, for people. */
  message: string;
}

/** What went wrong with an upstream. */
export interface DiagnosedError {
  /** When, by the engine's clock. */
  at: Date;
  /** What; no part of it is secret. */
  message: string;
}
