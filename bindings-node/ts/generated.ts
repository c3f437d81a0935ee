// Generated from the schema of the Rust core by tests/codegen; `make generate` writes it anew.

/** One step of a user's way through authorization. */
export interface AccountChange {
  /** The connection's name. */
  connectionName: string;
  /** The status of the user's account now; none if there is no account yet. */
  status?: "ACTIVE" | "EXPIRED" | "PENDING_AUTH" | "PENDING_VERIFICATION" | "DISCONNECTED" | (string & {});
  /** The link to send to the user, if one is needed: one use, about a minute. Kept out of texts and logs. */
  authenticationLink?: string;
  /** Whether the user has authorized and the application must now confirm who it was, with `verifyConnectedAccountUser`. */
  needsVerification: boolean;
}

/** A link that lets one user authorize one connection. Kept out of texts and logs. */
export interface AuthorizationLink {
  /** Where to send the user. It works once, and for about a minute. */
  link: string;
  /** When it ends. */
  expiry?: Date;
}

/** A Virtual MCP server: one endpoint per agent role. */
export interface Config {
  /** Assigned by the server, such as `cfg_85630864460904897`. */
  id: string;
  /** Unique in the environment; cannot change. */
  name: string;
  /** Free text. */
  description?: string;
  /** The connections and their tools, at most 25. */
  connectionToolMappings: ConnectionToolMapping[];
  /** The static MCP endpoint, shared by all users; none where the environment has none. */
  mcpServerUrl?: string;
}

/** One page of configs. */
export interface ConfigPage {
  /** The configs of this page. */
  configs: Config[];
  /** How many configs match, over all pages. */
  totalSize: number;
  /** Cursor of the next page; none on the last. */
  nextPageToken?: string;
  /** Cursor of the page before; none on the first. */
  prevPageToken?: string;
}

/** One user's authorization on one connection. */
export interface ConnectedAccount {
  /** Assigned by the server, such as `ca_85630864460904897`. */
  id?: string;
  /** The user. */
  identifier: string;
  /** The connection's name. */
  connectionName: string;
  /** The connection's id, such as `conn_85630864460904897`. */
  connectionId?: string;
  /** The provider, such as `GMAIL`. */
  provider?: string;
  /** Where the authorization stands. */
  status?: "ACTIVE" | "EXPIRED" | "PENDING_AUTH" | "PENDING_VERIFICATION" | "DISCONNECTED" | (string & {});
  /** How the user authorizes, such as `OAUTH` or `API_KEY`. */
  authorizationType?: string;
  /** The credentials, where the operation answers with them. Kept out of texts and logs. */
  authorizationDetails?: Record<string, unknown>;
  /** When the credentials end. */
  tokenExpiresAt?: Date;
  /** When it was last changed. */
  updatedAt?: Date;
  /** When a tool last used it. */
  lastUsedAt?: Date;
  /** Settings of the user on this connection, as the application wrote them. */
  apiConfig?: Record<string, unknown>;
}

/** One page of connected accounts, without their credentials. */
export interface ConnectedAccountPage {
  /** The accounts of this page. */
  connectedAccounts: ConnectedAccount[];
  /** How many accounts match, over all pages. */
  totalSize: number;
  /** Cursor of the next page; none on the last. */
  nextPageToken?: string;
  /** Cursor of the page before; none on the first. */
  prevPageToken?: string;
}

/** How one user stands with one connection of a config. */
export interface ConnectionAuthState {
  /** The connection's id. */
  connectionId?: string;
  /** The connection's name. */
  connectionName: string;
  /** The provider, such as `GMAIL`. */
  provider?: string;
  /** The user's account, if there is one yet. */
  connectedAccountId?: string;
  /** The status of that account, if there is one yet. */
  connectedAccountStatus?: "ACTIVE" | "EXPIRED" | "PENDING_AUTH" | "PENDING_VERIFICATION" | "DISCONNECTED" | (string & {});
  /** The link that lets the user authorize: one use, about a minute. Kept out of texts and logs. */
  authenticationLink?: string;
}

/** One connection of a config and which of its tools are shown. */
export interface ConnectionToolMapping {
  /** The name of the connection; it must exist already. */
  connectionName: string;
  /** The tools shown. */
  tools?: string[];
  /** Output only: the connection's id. */
  connectionId?: string;
  /** Output only: the provider, such as `GMAIL`. */
  provider?: string;
  /** Output only, and only inside an instance: the user's account. */
  connectedAccountId?: string;
  /** Output only, and only inside an instance: the status of that account. */
  connectedAccountStatus?: "ACTIVE" | "EXPIRED" | "PENDING_AUTH" | "PENDING_VERIFICATION" | "DISCONNECTED" | (string & {});
}

/** A mapping as a caller writes it: what a response carries besides is accepted and not sent. */
export interface ConnectionToolMappingInput {
  /** The name of the connection; it must exist already. */
  connectionName: string;
  /** The tools shown, at least one; every tool if left out. */
  tools?: string[];
  /** Accepted from responses and not sent. */
  connectionId?: string | undefined;
  /** Accepted from responses and not sent. */
  provider?: string | undefined;
  /** Accepted from responses and not sent. */
  connectedAccountId?: string | undefined;
  /** Accepted from responses and not sent. */
  connectedAccountStatus?: string | undefined;
}

/** The answer of `ensureConfig`. */
export interface EnsuredConfig {
  /** The config as it is now. */
  config: Config;
  /** What was done: `created`, `updated` or `unchanged`. */
  outcome: "created" | "updated" | "unchanged";
  /** What is shown now and was not before, by connection. Every tool of a connection stands for all that were not shown before. */
  toolsAdded: ConnectionToolMapping[];
  /** What was shown before and is not any more, by connection. Every tool of a connection stands for all that are not shown now. */
  toolsRemoved: ConnectionToolMapping[];
  /** Whether agents can now do more than before. */
  widened: boolean;
}

/** One user's own Virtual MCP server (PREVIEW): a config bound to a user, with a URL of its own. */
export interface Instance {
  /** Assigned by the server, such as `inst_85630864460904897`. */
  id: string;
  /** A name to show. */
  name?: string;
  /** The user. */
  userIdentifier?: string;
  /** The config, with the user's account in each mapping. */
  config?: Config;
  /** When an agent last used it. */
  lastUsedAt?: Date;
  /** When it was last changed. */
  updatedAt?: Date;
  /** The user's own MCP endpoint; none where the environment has none. Whoever holds it acts as the user: kept out of texts and logs. */
  url?: string;
}

/** One page of instances. */
export interface InstancePage {
  /** The instances of this page. */
  instances: Instance[];
  /** How many instances match, over all pages. */
  totalSize: number;
  /** Cursor of the next page; none on the last. */
  nextPageToken?: string;
  /** Cursor of the page before; none on the first. */
  prevPageToken?: string;
}

/** A tool that one user can use, and through which account. */
export interface ScopedTool {
  /** The tool. */
  tool?: Tool;
  /** The user. */
  identifier?: string;
  /** The user's account that it acts with. */
  connectedAccountId?: string;
}

/** One page of the tools that a user can use. */
export interface ScopedToolPage {
  /** The tools of this page. */
  tools: ScopedTool[];
  /** How many tools match, over all pages. */
  totalSize: number;
  /** Cursor of the next page; none on the last. */
  nextPageToken?: string;
  /** Cursor of the page before; none on the first. */
  prevPageToken?: string;
}

/** What an agent would find on a session's MCP server. */
export interface SessionReport {
  /** The MCP revision that was spoken, such as `2026-07-28`. */
  protocolVersion: string;
  /** The tools, in the server's order. */
  tools: ToolReport[];
  /** Bytes of all that a model is told about the tools. */
  schemaBytes: number;
  /** About how many tokens that is: bytes ÷ 4, an estimate. */
  estimatedTokens: number;
  /** Tools that the config names and the server does not show, by connection. */
  missingTools: ConnectionToolMapping[];
  /** What works but may surprise. */
  warnings: SessionWarning[];
}

/** The credential of one agent run. */
export interface SessionToken {
  /** The bearer token. Whoever holds it acts as the user until it expires. */
  token: string;
  /** When it expires, by the server's clock. */
  expiresAt?: Date;
}

/** What works but may surprise. */
export interface SessionWarning {
  /** `account_not_active`, `accounts_unreadable`, `clock_skew`, `config_unreadable`, `name_too_long`, `name_twice`, `no_tools`, `read_only` or `tools_missing`. */
  code: "account_not_active" | "accounts_unreadable" | "clock_skew" | "config_unreadable" | "name_too_long" | "name_twice" | "no_tools" | "read_only" | "tools_missing" | (string & {});
  /** One sentence for a person. */
  message: string;
}

/** One tool. */
export interface Tool {
  /** Assigned by the server. */
  id?: string;
  /** The provider, such as `GMAIL`. */
  provider?: string;
  /** What it does and takes, as the server has it: `name`, `description`, `input_schema` (JSON Schema), and perhaps `output_schema`, `annotations`, `display_name`, `category`. */
  definition: Record<string, unknown>;
  /** More about it, as the server has it. */
  metadata: Record<string, unknown>;
  /** Words to find it by. */
  tags: string[];
  /** Whether its provider shows it without being asked. */
  isDefault?: boolean;
  /** When it was last changed. */
  updatedAt?: Date;
}

/** One page of tools. */
export interface ToolPage {
  /** The tools of this page; none where only names were asked for. */
  tools: Tool[];
  /** The names alone, where `summary` asked for them. */
  toolNames: string[];
  /** How many tools match, over all pages. */
  totalSize: number;
  /** Cursor of the next page; none on the last. */
  nextPageToken?: string;
  /** Cursor of the page before; none on the first. */
  prevPageToken?: string;
}

/** One tool of a `SessionReport`. */
export interface ToolReport {
  /** The name to call it by. */
  name: string;
  /** What it does, in the words that a model is given. */
  description?: string;
  /** Whether it is annotated as read-only. */
  readOnly: boolean;
  /** Bytes of name, description and input schema as JSON: what a model is told. */
  schemaBytes: number;
  /** About how many tokens that is: bytes ÷ 4, an estimate. */
  estimatedTokens: number;
}

/** The answer of `verifyConnectedAccountUser`. */
export interface VerifiedUser {
  /** Where to send the user's browser next, if anywhere. */
  postUserVerifyRedirectUrl?: string;
}

/** The parameters of `createConfig`. */
export interface CreateConfigParameters {
  /** 1 to 100 of `a-z`, `0-9`, `_`, `-`; unique in the environment; cannot change. */
  name: string;
  /** Free text. */
  description?: string | undefined;
  /** The connections and their tools, at most 25. */
  connectionToolMappings?: ConnectionToolMappingInput[] | undefined;
}

/** The parameters of `createConnectedAccount`. */
export interface CreateConnectedAccountParameters {
  /** The connection. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  /** Credentials that were obtained elsewhere: an object with one of the keys `oauth_token`, `static_auth`, `google_dwd`, `trusted_idp`. */
  authorizationDetails?: object | undefined;
  /** The organization: up to 32 characters. */
  organizationId?: string | undefined;
  /** The user, by the environment's own id: up to 32 characters. */
  userId?: string | undefined;
  /** Settings of the user on this connection, as the connection wants them. */
  apiConfig?: object | undefined;
}

/** The parameters of `createSessionToken`. */
export type CreateSessionTokenParameters = {
  /** The user: 1 to 255 characters. */
  identifier: string;
  /** Lifetime in seconds: 60 to 86,400; 3,600 if not set; a fraction is cut off. */
  expirySeconds?: number | undefined;
  /** `FULL` (if not set) or `READ_ONLY`. */
  accessLevel?: "FULL" | "READ_ONLY" | undefined;
} & ({
  /** The id of the config that the token opens; or `connectionName`. */
  configId: string;
  connectionName?: undefined;
} | {
  /** The connection that the token opens, with all its tools; or `configId`. */
  connectionName: string;
  configId?: undefined;
});

/** The parameters of `deleteConfig`. */
export interface DeleteConfigParameters {
  /** The id of the config. */
  configId: string;
}

/** The parameters of `deleteConnectedAccount`. */
export type DeleteConnectedAccountParameters = {
  /** The id of the account; or `connectionName` and `identifier`. */
  connectedAccountId: string | undefined;
  connectionName?: undefined;
  identifier?: undefined;
} | {
  /** The connection, with `identifier`; or `connectedAccountId`. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  connectedAccountId?: undefined;
};

/** The parameters of `deleteInstance`. */
export interface DeleteInstanceParameters {
  /** The id of the instance. */
  instanceId: string;
}

/** The parameters of `ensureConfig`. */
export interface EnsureConfigParameters {
  /** 1 to 100 of `a-z`, `0-9`, `_`, `-`; unique in the environment; cannot change. */
  name: string;
  /** Free text. */
  description?: string | undefined;
  /** The connections and their tools, at most 25. */
  connectionToolMappings?: ConnectionToolMappingInput[] | undefined;
}

/** The parameters of `ensureInstance`. */
export interface EnsureInstanceParameters {
  /** The name of the config, not its id. */
  configName: string;
  /** The user. */
  userIdentifier: string;
  /** A name to show. */
  name?: string | undefined;
}

/** The parameters of `getAuthorizationLink`. */
export type GetAuthorizationLinkParameters = {
  /** Comes back in the query of `userVerifyUrl`: up to 512 characters. */
  state?: string | undefined;
  /** Where the user's browser goes after authorizing, so that the application can confirm who it was: an `http(s)` URL of up to 2048 characters. */
  userVerifyUrl?: string | undefined;
} & ({
  /** The id of the account; or `connectionName` and `identifier`. */
  connectedAccountId: string | undefined;
  connectionName?: undefined;
  identifier?: undefined;
} | {
  /** The connection, with `identifier`; or `connectedAccountId`. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  connectedAccountId?: undefined;
});

/** The parameters of `getConfig`. */
export type GetConfigParameters = {
  /** The id of the config; or `name`. */
  configId: string;
  name?: undefined;
} | {
  /** The exact name of the config; or `configId`. */
  name: string;
  configId?: undefined;
};

/** The parameters of `getConnectedAccount`. */
export type GetConnectedAccountParameters = {
  /** The id of the account; or `connectionName` and `identifier`. */
  connectedAccountId: string | undefined;
  connectionName?: undefined;
  identifier?: undefined;
} | {
  /** The connection, with `identifier`; or `connectedAccountId`. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  connectedAccountId?: undefined;
};

/** The parameters of `getConnectedAccountDetails`. */
export type GetConnectedAccountDetailsParameters = {
  /** The id of the account; or `connectionName` and `identifier`. */
  connectedAccountId: string | undefined;
  connectionName?: undefined;
  identifier?: undefined;
} | {
  /** The connection, with `identifier`; or `connectedAccountId`. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  connectedAccountId?: undefined;
};

/** The parameters of `getInstance`. */
export interface GetInstanceParameters {
  /** The id of the instance. */
  instanceId: string;
}

/** The parameters of `getInstanceAuthState`. */
export interface GetInstanceAuthStateParameters {
  /** The id of the instance. */
  instanceId: string;
  /** Also create missing accounts and return a fresh link for each connection. */
  includeAuthLinks?: boolean | undefined;
}

/** The parameters of `getOrCreateConnectedAccount`. */
export interface GetOrCreateConnectedAccountParameters {
  /** The connection. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  /** Credentials that were obtained elsewhere: an object with one of the keys `oauth_token`, `static_auth`, `google_dwd`, `trusted_idp`. */
  authorizationDetails?: object | undefined;
  /** The organization: up to 32 characters. */
  organizationId?: string | undefined;
  /** The user, by the environment's own id: up to 32 characters. */
  userId?: string | undefined;
  /** Settings of the user on this connection, as the connection wants them. */
  apiConfig?: object | undefined;
}

/** The parameters of `iterConfigs`. */
export interface IterConfigsParameters {
  /** Only the config with this id. */
  filterId?: string | undefined;
  /** Only configs with a connection of this provider. */
  filterProvider?: string | undefined;
  /** Only the config with this whole name, in any case. */
  filterName?: string | undefined;
  /** Only the config behind this URL. */
  filterMcpServerUrl?: string | undefined;
  /** Only configs whose name holds this text. */
  search?: string | undefined;
}

/** The parameters of `listAvailableTools`. */
export interface ListAvailableToolsParameters {
  /** The user: 1 to 100 characters. */
  identifier: string;
  /** At most this many on a page. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
}

/** The parameters of `listConfigs`. */
export interface ListConfigsParameters {
  /** At most this many on a page: 1 to 30; 20 by assumption if not set. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
  /** Only the config with this id. */
  filterId?: string | undefined;
  /** Only configs with a connection of this provider. */
  filterProvider?: string | undefined;
  /** Only the config with this whole name, in any case. */
  filterName?: string | undefined;
  /** Only the config behind this URL. */
  filterMcpServerUrl?: string | undefined;
  /** Only configs whose name holds this text. */
  search?: string | undefined;
}

/** The parameters of `listConnectedAccounts`. */
export interface ListConnectedAccountsParameters {
  /** Only accounts on this connection. */
  connectionName?: string | undefined;
  /** Only accounts of this user: up to 100 characters. */
  identifier?: string | undefined;
  /** Only accounts of this provider: up to 50 characters. */
  provider?: string | undefined;
  /** Only accounts on these connections: up to 20; or `connectionName`. */
  connectionNames?: string[] | undefined;
  /** At most this many on a page: 1 to 99; 10 by assumption if not set. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
}

/** The parameters of `listInstances`. */
export interface ListInstancesParameters {
  /** At most this many on a page: 1 to 30; 20 by assumption if not set. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
  /** Only the instance with this id. */
  filterId?: string | undefined;
  /** Only instances with this whole name. */
  filterName?: string | undefined;
  /** Only instances of the config with this name. */
  filterConfigName?: string | undefined;
  /** Only instances of this user. */
  filterUserIdentifier?: string | undefined;
}

/** The parameters of `listMcpConnectedAccounts`. */
export interface ListMcpConnectedAccountsParameters {
  /** The id of the config. */
  configId: string;
  /** The user: any text that is theirs alone; tokens allow 255 characters. */
  identifier: string;
  /** Also create missing accounts and return a fresh link for each connection. */
  includeAuthLink?: boolean | undefined;
}

/** The parameters of `listScopedTools`. */
export interface ListScopedToolsParameters {
  /** The user: 1 to 100 characters. */
  identifier: string;
  /** Only tools of these providers. */
  providers?: string[] | undefined;
  /** Only the tools with these names. */
  toolNames?: string[] | undefined;
  /** Only tools of these connections. */
  connectionNames?: string[] | undefined;
  /** At most this many on a page. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
}

/** The parameters of `listTools`. */
export interface ListToolsParameters {
  /** Only tools of this connection; the API wants `identifier` beside it. */
  connectionName?: string | undefined;
  /** The user whose account is meant: up to 100 characters. */
  identifier?: string | undefined;
  /** Only tools of this provider: up to 50 characters. */
  provider?: string | undefined;
  /** Only the tools with these names. */
  toolName?: string[] | undefined;
  /** Only tools whose name holds each of these words: 3 to 100 characters. */
  query?: string | undefined;
  /** The organization of the account that is meant: up to 32 characters. */
  organizationId?: string | undefined;
  /** The user, by the environment's own id: up to 32 characters. */
  userId?: string | undefined;
  /** The account that is meant, instead of `connectionName` and `identifier`. */
  connectedAccountId?: string | undefined;
  /** Answer with names only. */
  summary?: boolean | undefined;
  /** At most this many on a page: up to 1000; 300 by assumption if not set. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
}

/** The parameters of `openSession`. */
export type OpenSessionParameters = {
  /** The user: 1 to 255 characters. */
  identifier: string;
  /** Lifetime of each token in seconds: 60 to 86,400; 3,600 if not set. */
  expirySeconds?: number | undefined;
  /** `FULL` (if not set) or `READ_ONLY`. */
  accessLevel?: "FULL" | "READ_ONLY" | undefined;
} & ({
  /** The id of the config; or `connectionName`. */
  configId: string;
  /** The config's URL, where the caller has the whole config. */
  mcpServerUrl?: string | undefined;
  connectionName?: undefined;
} | {
  /** The connection, with all its tools; or `configId`. */
  connectionName: string;
  configId?: undefined;
  mcpServerUrl?: undefined;
});

/** The parameters of `searchConnectedAccounts`. */
export interface SearchConnectedAccountsParameters {
  /** A part of the user, of the connection or of its provider, in any case: 3 to 200 characters. */
  query: string;
  /** Only accounts on the connection with this id. */
  connectionId?: string | undefined;
  /** At most this many on a page: 1 to 30; 10 by assumption if not set. */
  pageSize?: number | undefined;
  /** The cursor of another page. */
  pageToken?: string | undefined;
}

/** The parameters of `updateConfig`. */
export interface UpdateConfigParameters {
  /** The id of the config. */
  configId: string;
  /** The new description; not empty, because the API cannot clear it. */
  description?: string | undefined;
  /** The new list, which replaces the whole old one; not empty. */
  connectionToolMappings?: ConnectionToolMappingInput[] | undefined;
}

/** The parameters of `updateConnectedAccount`. */
export type UpdateConnectedAccountParameters = {
  /** New credentials: an object with one of the keys `oauth_token`, `static_auth`, `google_dwd`, `trusted_idp`. */
  authorizationDetails?: object | undefined;
  /** The organization: up to 32 characters. */
  organizationId?: string | undefined;
  /** The user, by the environment's own id: up to 32 characters. */
  userId?: string | undefined;
  /** Settings, merged with those that are there. */
  apiConfig?: object | undefined;
} & ({
  /** The id of the account; or `connectionName` and `identifier`. */
  connectedAccountId: string | undefined;
  connectionName?: undefined;
  identifier?: undefined;
} | {
  /** The connection, with `identifier`; or `connectedAccountId`. */
  connectionName: string;
  /** The user: 1 to 100 characters. */
  identifier: string;
  connectedAccountId?: undefined;
});

/** The parameters of `updateInstance`. */
export interface UpdateInstanceParameters {
  /** The id of the instance. */
  instanceId: string;
  /** The new name to show; not empty. */
  name?: string | undefined;
  /** The name of another config to show; not empty. */
  configName?: string | undefined;
}

/** The parameters of `verifyConnectedAccountUser`. */
export interface VerifyConnectedAccountUserParameters {
  /** From the query of the URL that the user's browser was sent to: up to 1000 characters. */
  authRequestId: string;
  /** The user whom the application knows: 1 to 200 characters. */
  identifier: string;
}

/** The parameters of `waitUntilActive`. */
export interface WaitUntilActiveParameters {
  /** The id of the config. */
  configId: string;
  /** The user. */
  identifier: string;
  /** Only these connections of the config, at least one; all if not set. */
  connectionNames?: string[] | undefined;
  /** How long to wait, in seconds; 600 if not set. */
  timeoutSeconds?: number | undefined;
}

/** A property on the wire. */
export interface Field {
  /** Its name. */
  wire: string;
  /** The type whose table converts it, or `Date`; without one the value is left as it is. */
  type?: string;
  /** Whether leaving it out must be meant: `undefined` is refused. */
  explicit?: boolean;
  /** Whether it is kept out of JSON and of what `console.log` shows. */
  secret?: boolean;
}

/** The properties of each type. */
export const TYPES: Record<string, Record<string, Field>> = {
  AccountChange: {
    connectionName: { wire: "connection_name" },
    status: { wire: "status" },
    authenticationLink: { wire: "authentication_link", secret: true },
    needsVerification: { wire: "needs_verification" },
  },
  AuthorizationLink: {
    link: { wire: "link", secret: true },
    expiry: { wire: "expiry", type: "Date" },
  },
  Config: {
    id: { wire: "id" },
    name: { wire: "name" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMapping" },
    mcpServerUrl: { wire: "mcp_server_url" },
  },
  ConfigPage: {
    configs: { wire: "configs", type: "Config" },
    totalSize: { wire: "total_size" },
    nextPageToken: { wire: "next_page_token" },
    prevPageToken: { wire: "prev_page_token" },
  },
  ConnectedAccount: {
    id: { wire: "id" },
    identifier: { wire: "identifier" },
    connectionName: { wire: "connection_name" },
    connectionId: { wire: "connection_id" },
    provider: { wire: "provider" },
    status: { wire: "status" },
    authorizationType: { wire: "authorization_type" },
    authorizationDetails: { wire: "authorization_details", secret: true },
    tokenExpiresAt: { wire: "token_expires_at", type: "Date" },
    updatedAt: { wire: "updated_at", type: "Date" },
    lastUsedAt: { wire: "last_used_at", type: "Date" },
    apiConfig: { wire: "api_config" },
  },
  ConnectedAccountPage: {
    connectedAccounts: { wire: "connected_accounts", type: "ConnectedAccount" },
    totalSize: { wire: "total_size" },
    nextPageToken: { wire: "next_page_token" },
    prevPageToken: { wire: "prev_page_token" },
  },
  ConnectionAuthState: {
    connectionId: { wire: "connection_id" },
    connectionName: { wire: "connection_name" },
    provider: { wire: "provider" },
    connectedAccountId: { wire: "connected_account_id" },
    connectedAccountStatus: { wire: "connected_account_status" },
    authenticationLink: { wire: "authentication_link", secret: true },
  },
  ConnectionToolMapping: {
    connectionName: { wire: "connection_name" },
    tools: { wire: "tools" },
    connectionId: { wire: "connection_id" },
    provider: { wire: "provider" },
    connectedAccountId: { wire: "connected_account_id" },
    connectedAccountStatus: { wire: "connected_account_status" },
  },
  ConnectionToolMappingInput: {
    connectionName: { wire: "connection_name" },
    tools: { wire: "tools", explicit: true },
    connectionId: { wire: "connection_id" },
    provider: { wire: "provider" },
    connectedAccountId: { wire: "connected_account_id" },
    connectedAccountStatus: { wire: "connected_account_status" },
  },
  EnsuredConfig: {
    config: { wire: "config", type: "Config" },
    outcome: { wire: "outcome" },
    toolsAdded: { wire: "tools_added", type: "ConnectionToolMapping" },
    toolsRemoved: { wire: "tools_removed", type: "ConnectionToolMapping" },
    widened: { wire: "widened" },
  },
  Instance: {
    id: { wire: "id" },
    name: { wire: "name" },
    userIdentifier: { wire: "user_identifier" },
    config: { wire: "config", type: "Config" },
    lastUsedAt: { wire: "last_used_at", type: "Date" },
    updatedAt: { wire: "updated_at", type: "Date" },
    url: { wire: "url", secret: true },
  },
  InstancePage: {
    instances: { wire: "instances", type: "Instance" },
    totalSize: { wire: "total_size" },
    nextPageToken: { wire: "next_page_token" },
    prevPageToken: { wire: "prev_page_token" },
  },
  ScopedTool: {
    tool: { wire: "tool", type: "Tool" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
  },
  ScopedToolPage: {
    tools: { wire: "tools", type: "ScopedTool" },
    totalSize: { wire: "total_size" },
    nextPageToken: { wire: "next_page_token" },
    prevPageToken: { wire: "prev_page_token" },
  },
  SessionReport: {
    protocolVersion: { wire: "protocol_version" },
    tools: { wire: "tools", type: "ToolReport" },
    schemaBytes: { wire: "schema_bytes" },
    estimatedTokens: { wire: "estimated_tokens" },
    missingTools: { wire: "missing_tools", type: "ConnectionToolMapping" },
    warnings: { wire: "warnings", type: "SessionWarning" },
  },
  SessionToken: {
    token: { wire: "token", secret: true },
    expiresAt: { wire: "expires_at", type: "Date" },
  },
  SessionWarning: {
    code: { wire: "code" },
    message: { wire: "message" },
  },
  Tool: {
    id: { wire: "id" },
    provider: { wire: "provider" },
    definition: { wire: "definition" },
    metadata: { wire: "metadata" },
    tags: { wire: "tags" },
    isDefault: { wire: "is_default" },
    updatedAt: { wire: "updated_at", type: "Date" },
  },
  ToolPage: {
    tools: { wire: "tools", type: "Tool" },
    toolNames: { wire: "tool_names" },
    totalSize: { wire: "total_size" },
    nextPageToken: { wire: "next_page_token" },
    prevPageToken: { wire: "prev_page_token" },
  },
  ToolReport: {
    name: { wire: "name" },
    description: { wire: "description" },
    readOnly: { wire: "read_only" },
    schemaBytes: { wire: "schema_bytes" },
    estimatedTokens: { wire: "estimated_tokens" },
  },
  VerifiedUser: {
    postUserVerifyRedirectUrl: { wire: "post_user_verify_redirect_url" },
  },
  CreateConfigParameters: {
    name: { wire: "name" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMappingInput" },
  },
  CreateConnectedAccountParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    authorizationDetails: { wire: "authorization_details", secret: true },
    organizationId: { wire: "organization_id" },
    userId: { wire: "user_id" },
    apiConfig: { wire: "api_config" },
  },
  CreateSessionTokenParameters: {
    configId: { wire: "config_id" },
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    expirySeconds: { wire: "expiry_seconds" },
    accessLevel: { wire: "access_level" },
  },
  DeleteConfigParameters: {
    configId: { wire: "config_id" },
  },
  DeleteConnectedAccountParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
  },
  DeleteInstanceParameters: {
    instanceId: { wire: "instance_id" },
  },
  EnsureConfigParameters: {
    name: { wire: "name" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMappingInput" },
  },
  EnsureInstanceParameters: {
    configName: { wire: "config_name" },
    userIdentifier: { wire: "user_identifier" },
    name: { wire: "name" },
  },
  GetAuthorizationLinkParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
    state: { wire: "state" },
    userVerifyUrl: { wire: "user_verify_url" },
  },
  GetConfigParameters: {
    configId: { wire: "config_id" },
    name: { wire: "name" },
  },
  GetConnectedAccountParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
  },
  GetConnectedAccountDetailsParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
  },
  GetInstanceParameters: {
    instanceId: { wire: "instance_id" },
  },
  GetInstanceAuthStateParameters: {
    instanceId: { wire: "instance_id" },
    includeAuthLinks: { wire: "include_auth_links" },
  },
  GetOrCreateConnectedAccountParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    authorizationDetails: { wire: "authorization_details", secret: true },
    organizationId: { wire: "organization_id" },
    userId: { wire: "user_id" },
    apiConfig: { wire: "api_config" },
  },
  IterConfigsParameters: {
    filterId: { wire: "filter_id" },
    filterProvider: { wire: "filter_provider" },
    filterName: { wire: "filter_name" },
    filterMcpServerUrl: { wire: "filter_mcp_server_url" },
    search: { wire: "search" },
  },
  ListAvailableToolsParameters: {
    identifier: { wire: "identifier" },
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
  },
  ListConfigsParameters: {
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
    filterId: { wire: "filter_id" },
    filterProvider: { wire: "filter_provider" },
    filterName: { wire: "filter_name" },
    filterMcpServerUrl: { wire: "filter_mcp_server_url" },
    search: { wire: "search" },
  },
  ListConnectedAccountsParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    provider: { wire: "provider" },
    connectionNames: { wire: "connection_names" },
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
  },
  ListInstancesParameters: {
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
    filterId: { wire: "filter_id" },
    filterName: { wire: "filter_name" },
    filterConfigName: { wire: "filter_config_name" },
    filterUserIdentifier: { wire: "filter_user_identifier" },
  },
  ListMcpConnectedAccountsParameters: {
    configId: { wire: "config_id" },
    identifier: { wire: "identifier" },
    includeAuthLink: { wire: "include_auth_link" },
  },
  ListScopedToolsParameters: {
    identifier: { wire: "identifier" },
    providers: { wire: "providers" },
    toolNames: { wire: "tool_names" },
    connectionNames: { wire: "connection_names" },
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
  },
  ListToolsParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    provider: { wire: "provider" },
    toolName: { wire: "tool_name" },
    query: { wire: "query" },
    organizationId: { wire: "organization_id" },
    userId: { wire: "user_id" },
    connectedAccountId: { wire: "connected_account_id" },
    summary: { wire: "summary" },
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
  },
  OpenSessionParameters: {
    configId: { wire: "config_id" },
    mcpServerUrl: { wire: "mcp_server_url" },
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    expirySeconds: { wire: "expiry_seconds" },
    accessLevel: { wire: "access_level" },
  },
  SearchConnectedAccountsParameters: {
    query: { wire: "query" },
    connectionId: { wire: "connection_id" },
    pageSize: { wire: "page_size" },
    pageToken: { wire: "page_token" },
  },
  UpdateConfigParameters: {
    configId: { wire: "config_id" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMappingInput" },
  },
  UpdateConnectedAccountParameters: {
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    connectedAccountId: { wire: "connected_account_id" },
    authorizationDetails: { wire: "authorization_details", secret: true },
    organizationId: { wire: "organization_id" },
    userId: { wire: "user_id" },
    apiConfig: { wire: "api_config" },
  },
  UpdateInstanceParameters: {
    instanceId: { wire: "instance_id" },
    name: { wire: "name" },
    configName: { wire: "config_name" },
  },
  VerifyConnectedAccountUserParameters: {
    authRequestId: { wire: "auth_request_id" },
    identifier: { wire: "identifier" },
  },
  WaitUntilActiveParameters: {
    configId: { wire: "config_id" },
    identifier: { wire: "identifier" },
    connectionNames: { wire: "connection_names" },
    timeoutSeconds: { wire: "timeout_seconds" },
  },
};

/** What each operation takes and answers, by its name on the wire. */
export const OPERATIONS: Record<string, { parameters: string; result?: string; item?: string }> = {
  create_config: { parameters: "CreateConfigParameters", result: "Config" },
  create_connected_account: { parameters: "CreateConnectedAccountParameters", result: "ConnectedAccount" },
  create_session_token: { parameters: "CreateSessionTokenParameters", result: "SessionToken" },
  delete_config: { parameters: "DeleteConfigParameters" },
  delete_connected_account: { parameters: "DeleteConnectedAccountParameters" },
  delete_instance: { parameters: "DeleteInstanceParameters" },
  ensure_config: { parameters: "EnsureConfigParameters", result: "EnsuredConfig" },
  ensure_instance: { parameters: "EnsureInstanceParameters", result: "Instance" },
  get_authorization_link: { parameters: "GetAuthorizationLinkParameters", result: "AuthorizationLink" },
  get_config: { parameters: "GetConfigParameters", result: "Config" },
  get_connected_account: { parameters: "GetConnectedAccountParameters", result: "ConnectedAccount" },
  get_connected_account_details: { parameters: "GetConnectedAccountDetailsParameters", result: "ConnectedAccount" },
  get_instance: { parameters: "GetInstanceParameters", result: "Instance" },
  get_instance_auth_state: { parameters: "GetInstanceAuthStateParameters", result: "ConnectionAuthState" },
  get_or_create_connected_account: { parameters: "GetOrCreateConnectedAccountParameters", result: "ConnectedAccount" },
  iter_configs: { parameters: "IterConfigsParameters", item: "Config" },
  list_available_tools: { parameters: "ListAvailableToolsParameters", result: "ToolPage" },
  list_configs: { parameters: "ListConfigsParameters", result: "ConfigPage" },
  list_connected_accounts: { parameters: "ListConnectedAccountsParameters", result: "ConnectedAccountPage" },
  list_instances: { parameters: "ListInstancesParameters", result: "InstancePage" },
  list_mcp_connected_accounts: { parameters: "ListMcpConnectedAccountsParameters", result: "ConnectionAuthState" },
  list_scoped_tools: { parameters: "ListScopedToolsParameters", result: "ScopedToolPage" },
  list_tools: { parameters: "ListToolsParameters", result: "ToolPage" },
  open_session: { parameters: "OpenSessionParameters" },
  search_connected_accounts: { parameters: "SearchConnectedAccountsParameters", result: "ConnectedAccountPage" },
  update_config: { parameters: "UpdateConfigParameters", result: "Config" },
  update_connected_account: { parameters: "UpdateConnectedAccountParameters", result: "ConnectedAccount" },
  update_instance: { parameters: "UpdateInstanceParameters", result: "Instance" },
  verify_connected_account_user: { parameters: "VerifyConnectedAccountUserParameters", result: "VerifiedUser" },
  wait_until_active: { parameters: "WaitUntilActiveParameters", result: "ConnectionAuthState", item: "AccountChange" },
};
