// Generated from the schema of the Rust core by tests/codegen; `make generate` writes it anew.

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
  connectedAccountStatus?: string;
  /** The link that lets the user authorize: one use, about a minute. Debug output hides it. */
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
  connectedAccountStatus?: string;
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

/** The credential of one agent run. */
export interface SessionToken {
  /** The bearer token. Whoever holds it acts as the user until it expires. */
  token: string;
  /** When it expires, by the server's clock. */
  expiresAt?: Date;
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

/** The parameters of `createSessionToken`. */
export interface CreateSessionTokenParameters {
  /** The id of the config that the token opens; or `connectionName`. */
  configId?: string | undefined;
  /** The connection that the token opens, with all its tools; or `configId`. */
  connectionName?: string | undefined;
  /** The user: 1 to 255 characters. */
  identifier: string;
  /** Lifetime in seconds: 60 to 86,400; 3,600 if not set; a fraction is cut off. */
  expirySeconds?: number | undefined;
  /** `FULL` (if not set) or `READ_ONLY`. */
  accessLevel?: string | undefined;
}

/** The parameters of `deleteConfig`. */
export interface DeleteConfigParameters {
  /** The id of the config. */
  configId: string;
}

/** The parameters of `getConfig`. */
export interface GetConfigParameters {
  /** The id of the config. */
  configId: string;
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

/** The parameters of `listMcpConnectedAccounts`. */
export interface ListMcpConnectedAccountsParameters {
  /** The id of the config. */
  configId: string;
  /** The user: any text that is theirs alone; tokens allow 255 characters. */
  identifier: string;
  /** Also create missing accounts and return a fresh link for each connection. */
  includeAuthLink?: boolean | undefined;
}

/** The parameters of `openSession`. */
export interface OpenSessionParameters {
  /** The id of the config; or `connectionName`. */
  configId?: string | undefined;
  /** The config's URL, where the caller has the whole config. */
  mcpServerUrl?: string | undefined;
  /** The connection, with all its tools; or `configId`. */
  connectionName?: string | undefined;
  /** The user: 1 to 255 characters. */
  identifier: string;
  /** Lifetime of each token in seconds: 60 to 86,400; 3,600 if not set. */
  expirySeconds?: number | undefined;
  /** `FULL` (if not set) or `READ_ONLY`. */
  accessLevel?: string | undefined;
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
  SessionToken: {
    token: { wire: "token", secret: true },
    expiresAt: { wire: "expires_at", type: "Date" },
  },
  CreateConfigParameters: {
    name: { wire: "name" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMappingInput" },
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
  GetConfigParameters: {
    configId: { wire: "config_id" },
  },
  IterConfigsParameters: {
    filterId: { wire: "filter_id" },
    filterProvider: { wire: "filter_provider" },
    filterName: { wire: "filter_name" },
    filterMcpServerUrl: { wire: "filter_mcp_server_url" },
    search: { wire: "search" },
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
  ListMcpConnectedAccountsParameters: {
    configId: { wire: "config_id" },
    identifier: { wire: "identifier" },
    includeAuthLink: { wire: "include_auth_link" },
  },
  OpenSessionParameters: {
    configId: { wire: "config_id" },
    mcpServerUrl: { wire: "mcp_server_url" },
    connectionName: { wire: "connection_name" },
    identifier: { wire: "identifier" },
    expirySeconds: { wire: "expiry_seconds" },
    accessLevel: { wire: "access_level" },
  },
  UpdateConfigParameters: {
    configId: { wire: "config_id" },
    description: { wire: "description" },
    connectionToolMappings: { wire: "connection_tool_mappings", type: "ConnectionToolMappingInput" },
  },
};

/** What each operation takes and answers, by its name on the wire. */
export const OPERATIONS: Record<string, { parameters: string; result?: string }> = {
  create_config: { parameters: "CreateConfigParameters", result: "Config" },
  create_session_token: { parameters: "CreateSessionTokenParameters", result: "SessionToken" },
  delete_config: { parameters: "DeleteConfigParameters" },
  get_config: { parameters: "GetConfigParameters", result: "Config" },
  iter_configs: { parameters: "IterConfigsParameters", result: "Config" },
  list_configs: { parameters: "ListConfigsParameters", result: "ConfigPage" },
  list_mcp_connected_accounts: { parameters: "ListMcpConnectedAccountsParameters", result: "ConnectionAuthState" },
  open_session: { parameters: "OpenSessionParameters" },
  update_config: { parameters: "UpdateConfigParameters", result: "Config" },
};
