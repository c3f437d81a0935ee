// The generated types that are the package's; its tables are not.

import type { ConnectedAccount, EnsuredConfig, SessionWarning } from "./generated.js";

/** The status of a connected account. Others than these may come. */
export type AccountStatus = NonNullable<ConnectedAccount["status"]>;

/** What `ensureConfig` did. */
export type EnsureOutcome = EnsuredConfig["outcome"];

/** What a warning of `session.check()` is about. Others than these may come. */
export type SessionWarningCode = SessionWarning["code"];

export type {
  AccountChange,
  AuthorizationLink,
  Config,
  ConfigPage,
  ConnectedAccount,
  ConnectedAccountPage,
  ConnectionAuthState,
  ConnectionToolMapping,
  ConnectionToolMappingInput,
  CreateConfigParameters,
  CreateConnectedAccountParameters,
  CreateSessionTokenParameters,
  DeleteConfigParameters,
  DeleteConnectedAccountParameters,
  DeleteInstanceParameters,
  EnsureConfigParameters,
  EnsureInstanceParameters,
  EnsuredConfig,
  GetAuthorizationLinkParameters,
  GetConfigParameters,
  GetConnectedAccountDetailsParameters,
  GetConnectedAccountParameters,
  GetInstanceAuthStateParameters,
  GetInstanceParameters,
  GetOrCreateConnectedAccountParameters,
  Instance,
  InstancePage,
  IterConfigsParameters,
  ListAvailableToolsParameters,
  ListConfigsParameters,
  ListConnectedAccountsParameters,
  ListInstancesParameters,
  ListMcpConnectedAccountsParameters,
  ListScopedToolsParameters,
  ListToolsParameters,
  OpenSessionParameters,
  ScopedTool,
  ScopedToolPage,
  SearchConnectedAccountsParameters,
  SessionReport,
  SessionToken,
  SessionWarning,
  Tool,
  ToolPage,
  ToolReport,
  UpdateConfigParameters,
  UpdateConnectedAccountParameters,
  UpdateInstanceParameters,
  VerifiedUser,
  VerifyConnectedAccountUserParameters,
  WaitUntilActiveParameters,
} from "./generated.js";
