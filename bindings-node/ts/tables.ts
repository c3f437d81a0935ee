// The tables of all that crosses: those of the schema and those of the options.

import { TYPES, type Field } from "./generated.js";

/** An option that is milliseconds here and seconds in the core. */
interface Option extends Field {
  milliseconds?: boolean;
}

type Fields = Readonly<Record<string, Option>>;

const JOURNAL_FILTER: Fields = {
  kind: { wire: "kind" },
  pathPrefix: { wire: "path_prefix" },
  method: { wire: "method" },
  connectionName: { wire: "connection_name" },
  tool: { wire: "tool" },
  identifier: { wire: "identifier" },
  since: { wire: "since" },
};

/** Those of the engine's test controls, whose names mean something else elsewhere. */
const CONTROLS: Readonly<Record<string, Fields>> = {
  Reset: { seedIds: { wire: "seed_ids" } },
  ClockChange: { seconds: { wire: "advance_seconds" }, freeze: { wire: "freeze" }, reset: { wire: "reset" } },
  Clock: { now: { wire: "now", type: "Date" } },
  Seed: { configs: { wire: "configs", type: "SeedConfig" }, accounts: { wire: "accounts", type: "SeedAccount" } },
  SeedConfig: {
    name: { wire: "name" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "SeedMapping" },
  },
  SeedMapping: { connectionName: { wire: "connection_name" }, tools: { wire: "tools", explicit: true } },
  SeedAccount: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    status: { wire: "status" },
    credential: { wire: "credential" },
  },
  StatusChange: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    status: { wire: "status" },
  },
  AuthLinks: { authLinks: { wire: "auth_links", type: "AuthLink" } },
  AuthLink: {
    id: { wire: "id" },
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    state: { wire: "state" },
    expiresAt: { wire: "expires_at", type: "Date" },
  },
  LinkAnswer: { linkId: { wire: "link_id" }, credential: { wire: "credential" } },
  CompletedLink: { status: { wire: "status" }, verifyUrl: { wire: "verify_url", secret: true } },
  Fault: {
    path: { wire: "path" },
    method: { wire: "method" },
    connectionName: { wire: "connection_name" },
    tool: { wire: "tool" },
    identifier: { wire: "identifier" },
    nth: { wire: "nth" },
    times: { wire: "times" },
    probability: { wire: "probability" },
    latencyMs: { wire: "latency_ms" },
    status: { wire: "status" },
    retryAfterSeconds: { wire: "retry_after_seconds" },
    hang: { wire: "hang" },
    drop: { wire: "drop" },
    garbage: { wire: "garbage" },
  },
  Faults: { faults: { wire: "faults", type: "AddedFault" } },
  AddedFault: {
    id: { wire: "id" },
    fault: { wire: "fault", type: "Fault" },
    matched: { wire: "matched" },
    fired: { wire: "fired" },
  },
  JournalFilter: JOURNAL_FILTER,
  JournalWait: {
    ...JOURNAL_FILTER,
    count: { wire: "wait_for" },
    timeoutSeconds: { wire: "timeout_seconds" },
  },
  AuditFilter: {
    identifier: { wire: "identifier" },
    configId: { wire: "config_id" },
    connectionName: { wire: "connection_name" },
    tool: { wire: "tool" },
    decision: { wire: "decision" },
    since: { wire: "since" },
    limit: { wire: "limit" },
  },
  Audit: { records: { wire: "records", type: "AuditRecord" } },
  AuditRecord: {
    seq: { wire: "seq" },
    at: { wire: "at", type: "Date" },
    requestId: { wire: "request_id" },
    identifier: { wire: "identifier" },
    configId: { wire: "config_id" },
    connectionName: { wire: "connection_name" },
    tool: { wire: "tool" },
    upstreamTool: { wire: "upstream_tool" },
    decision: { wire: "decision" },
    reason: { wire: "reason" },
    outcome: { wire: "outcome" },
    engineUs: { wire: "engine_us" },
    upstreamUs: { wire: "upstream_us" },
    argumentsDigest: { wire: "arguments_digest" },
  },
  DiagnosticsFilter: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    configId: { wire: "config_id" },
  },
  Diagnostics: { diagnostics: { wire: "diagnostics", type: "Diagnosis" } },
  Diagnosis: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
    accountStatus: { wire: "account_status" },
    protocolVersion: { wire: "protocol_version" },
    toolCount: { wire: "tool_count" },
    leftOut: { wire: "left_out", type: "LeftOutTool" },
    lastError: { wire: "last_error", type: "DiagnosedError" },
    retryAt: { wire: "retry_at", type: "Date" },
  },
  LeftOutTool: { tool: { wire: "tool" }, reason: { wire: "reason" }, message: { wire: "message" } },
  DiagnosedError: { at: { wire: "at", type: "Date" }, message: { wire: "message" } },
  Journal: { records: { wire: "records", type: "JournalRecord" } },
  JournalRecord: {
    seq: { wire: "seq" },
    at: { wire: "at", type: "Date" },
    kind: { wire: "kind" },
    method: { wire: "method" },
    path: { wire: "path" },
    status: { wire: "status" },
    durationMs: { wire: "duration_ms" },
    requestId: { wire: "request_id" },
    clientId: { wire: "client_id" },
    identifier: { wire: "identifier" },
    tool: { wire: "tool" },
    connectionName: { wire: "connection_name" },
    outcome: { wire: "outcome" },
  },
};

/** As they are written; read them by {@link fieldsOf}. @internal */
export const TABLES: Readonly<Record<string, Fields>> = {
  ...TYPES,
  ClientOptions: {
    envUrl: { wire: "env_url" },
    clientId: { wire: "client_id" },
    clientSecret: { wire: "client_secret" },
    allowInsecureHttp: { wire: "allow_insecure_http" },
    caFile: { wire: "ca_file" },
    timeoutMs: { wire: "timeout_seconds", milliseconds: true },
    attemptTimeoutMs: { wire: "attempt_timeout_seconds", milliseconds: true },
    connectTimeoutMs: { wire: "connect_timeout_seconds", milliseconds: true },
    maxRetries: { wire: "max_retries" },
    backoffBaseMs: { wire: "backoff_base_seconds", milliseconds: true },
    backoffCapMs: { wire: "backoff_cap_seconds", milliseconds: true },
    language: { wire: "language" },
    logger: { wire: "logger" },
    logLevel: { wire: "log_level" },
  },
  LogFields: {
    method: { wire: "method" },
    path: { wire: "path" },
    status: { wire: "status" },
    code: { wire: "code" },
    attempt: { wire: "attempt" },
    requestId: { wire: "request_id" },
    durationMs: { wire: "duration_ms" },
    waitMs: { wire: "wait_ms" },
  },
  SessionCall: {
    validForSeconds: { wire: "valid_for_seconds" },
    url: { wire: "url" },
    credential: { wire: "credential" },
  },
  RequestOptions: {
    timeoutMs: { wire: "timeout_seconds", milliseconds: true },
    maxRetries: { wire: "max_retries" },
    headers: { wire: "headers" },
  },
  EngineOptions: {
    config: { wire: "config" },
    configToml: { wire: "config_toml" },
    configFolder: { wire: "config_folder" },
    dataFolder: { wire: "data_folder" },
    port: { wire: "port" },
    seedIds: { wire: "seed_ids" },
  },
  ...CONTROLS,
};

const NONE: Fields = Object.create(null) as Fields;
const read = new Map<string, Fields>();

/**
 * The fields of a type by our names; of one that is not known, none. Without prototypes: what a
 * program adds to `Object.prototype` is no field.
 *
 * @internal
 */
export function fieldsOf(type: string | undefined): Fields {
  if (type === undefined || !Object.hasOwn(TABLES, type)) return NONE;
  let fields = read.get(type);
  if (fields === undefined) {
    const bare = Object.create(null) as Record<string, Option>;
    for (const [name, field] of Object.entries(TABLES[type] ?? NONE)) bare[name] = Object.assign(Object.create(null) as Option, field);
    read.set(type, (fields = bare));
  }
  return fields;
}

/** Made with the first error that needs it. */
let names: Map<string, string> | undefined;

function namesOfAll(): Map<string, string> {
  const all = new Map<string, string>();
  for (const [type, fields] of Object.entries(TABLES)) {
    if (Object.hasOwn(CONTROLS, type)) continue;
    for (const [name, { wire }] of Object.entries(fields)) all.set(wire, name);
  }
  return all;
}

/**
 * A text of the core in the words of this language: `connection_tool_mappings[0].tools` becomes
 * `connectionToolMappings[0].tools`. Names of `type` come first.
 *
 * @internal
 */
export function inOurWords(text: string, type: string | undefined): string {
  return text.replace(/[a-z0-9]+(?:_[a-z0-9]+)+/g, (name) => ourName(name, type) ?? name);
}

/** Our name of a duration, which the core names without its unit. @internal */
export function durationOf(argument: string | null | undefined, type: string | undefined): string | undefined {
  return ourName(`${argument}_seconds`, type);
}

function ourName(wire: string, type: string | undefined): string | undefined {
  const own = Object.entries(fieldsOf(type)).find(([, field]) => field.wire === wire)?.[0];
  return own ?? (names ??= namesOfAll()).get(wire);
}
