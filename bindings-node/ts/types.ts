// The generated types that are the package's; its tables are not.

export type {
  Config,
  ConfigPage,
  ConnectionAuthState,
  ConnectionToolMapping,
  CreateConfigParameters,
  CreateSessionTokenParameters,
  DeleteConfigParameters,
  GetConfigParameters,
  IterConfigsParameters,
  ListConfigsParameters,
  ListMcpConnectedAccountsParameters,
  ConnectionToolMappingInput,
  OpenSessionParameters,
  SessionToken,
  UpdateConfigParameters,
} from "./generated.js";
