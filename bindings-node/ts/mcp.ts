// `client.actions.mcp`: one method per operation, and no decision.

import { answered, located, siteOf } from "./bridge.js";
import { called, type Caller, items, reading, ready, result } from "./call.js";
import { copyOf, isPlain, propertyOf } from "./convert.js";
import { argumentError } from "./failure.js";
import type {
  AccountChange,
  Config,
  ConfigPage,
  ConnectionAuthState,
  CreateConfigParameters,
  CreateSessionTokenParameters,
  DeleteConfigParameters,
  DeleteInstanceParameters,
  EnsureConfigParameters,
  EnsuredConfig,
  EnsureInstanceParameters,
  GetConfigParameters,
  GetInstanceAuthStateParameters,
  GetInstanceParameters,
  Instance,
  InstancePage,
  IterConfigsParameters,
  ListConfigsParameters,
  ListInstancesParameters,
  ListMcpConnectedAccountsParameters,
  OpenSessionParameters,
  SessionToken,
  UpdateConfigParameters,
  UpdateInstanceParameters,
  WaitUntilActiveParameters,
} from "./generated.js";
import type { RequestOptions } from "./options.js";
import { Session } from "./session.js";
import { AccountWait } from "./wait.js";

/** What a session is opened with: a config, its id, or a connection. */
export type OpenSessionOptions =
  | (OpenSessionParameters & { config?: undefined })
  | (Omit<OpenSessionParameters, "configId" | "mcpServerUrl" | "connectionName"> & {
      /** The config, as an answer held it; or `configId`, or `connectionName`. */
      config: Pick<Config, "id" | "mcpServerUrl">;
      configId?: undefined;
      mcpServerUrl?: undefined;
      connectionName?: undefined;
    });

/**
 * Virtual MCP servers.
 *
 * Every method rejects with a {@link ScalekitError}: {@link ScalekitValidationError} before
 * anything is sent, {@link ScalekitUnauthorizedError} and {@link ScalekitForbiddenError} when the
 * credentials are refused or may not do it, {@link ScalekitTimeoutError} and
 * {@link ScalekitConnectionError} on the way, {@link ScalekitTooManyRequestsError},
 * {@link ScalekitInternalServerError} and its like when the server does not do it,
 * {@link ScalekitCancelledError} when the client has been closed; what else is named with each. An
 * aborted call rejects with the signal's reason.
 */
export class McpActions {
  readonly #client: Caller;

  private constructor(client: Caller) {
    this.#client = client;
  }

  /** @internal */
  static of(client: Caller): McpActions {
    return new McpActions(client);
  }

  /**
   * Creates a config: one Virtual MCP server per agent role, not per user.
   *
   * Repeated only where the server cannot have done it: when the connection breaks in the middle,
   * look for the name before creating it again.
   *
   * @throws {@link ScalekitConflictError} when the name is taken; {@link ScalekitBadRequestError}
   * for a connection or tool that does not exist.
   */
  async createConfig(parameters: CreateConfigParameters, options?: RequestOptions): Promise<Config> {
    return called<Config>(siteOf(McpActions.prototype.createConfig, "create_config"), this.#client, parameters, options);
  }

  /**
   * Makes a config be as given: creates it, changes it, or leaves it alone. Meant for the start of
   * a program that declares its agent roles.
   *
   * The config is found by its exact name. Description and mappings are compared by meaning (the
   * order of connections and tools does not matter) and only what differs is sent; what is not given
   * is left as it is. Callers that race for one name end with one config and no error; if they want
   * different things, the last one wins.
   *
   * @returns What was done, which tools the agents gained and lost, and whether they can now do more
   * than before.
   * @throws Those of {@link createConfig} and {@link updateConfig}; {@link ScalekitValidationError}
   * (`cannot_clear`) when the config has a description or mappings and none are wanted: the API
   * cannot remove them, and nothing is changed.
   */
  async ensureConfig(parameters: EnsureConfigParameters, options?: RequestOptions): Promise<EnsuredConfig> {
    return called<EnsuredConfig>(siteOf(McpActions.prototype.ensureConfig, "ensure_config"), this.#client, parameters, options);
  }

  /**
   * Gets one config by its id, or by its exact name, which is unique in the environment. By name it
   * takes a list request, and one more for each further page of what the server's filter lets
   * through.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id or name.
   */
  async getConfig(parameters: GetConfigParameters, options?: RequestOptions): Promise<Config> {
    return called<Config>(siteOf(McpActions.prototype.getConfig, "get_config"), this.#client, parameters, options);
  }

  /** Lists configs, a page of 1 to 30 at a time. {@link iterConfigs} follows the pages. */
  async listConfigs(parameters: ListConfigsParameters = {}, options?: RequestOptions): Promise<ConfigPage> {
    return called<ConfigPage>(siteOf(McpActions.prototype.listConfigs, "list_configs"), this.#client, parameters, options);
  }

  /**
   * Every config, page after page, fetched as they are wanted. Leaving the loop ends the request
   * that is under way. Nothing is checked or sent before the first step.
   *
   * @example
   * ```ts
   * for await (const config of client.actions.mcp.iterConfigs({ search: "email" })) console.log(config.name);
   * ```
   */
  iterConfigs(parameters: IterConfigsParameters = {}, options?: RequestOptions): AsyncGenerator<Config, void, undefined> {
    const site = siteOf(McpActions.prototype.iterConfigs, "iter_configs");
    return items<Config>(site, reading(site, this.#client, parameters, options));
  }

  /**
   * Changes a config; what is not given stays. Running sessions see the change at once.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id; {@link ScalekitBadRequestError}
   * for a connection or tool that does not exist; {@link ScalekitValidationError} (`cannot_clear`) for an
   * empty description or list: the API cannot clear either.
   */
  async updateConfig(parameters: UpdateConfigParameters, options?: RequestOptions): Promise<Config> {
    return called<Config>(siteOf(McpActions.prototype.updateConfig, "update_config"), this.#client, parameters, options);
  }

  /**
   * Deletes a config. Its URL stops working at once, for running sessions too.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async deleteConfig(parameters: DeleteConfigParameters, options?: RequestOptions): Promise<void> {
    await called<void>(siteOf(McpActions.prototype.deleteConfig, "delete_config"), this.#client, parameters, options);
  }

  /**
   * How a user stands with each connection of a config. With `includeAuthLink` missing accounts are
   * created, and each connection has a link, those that are `ACTIVE` too: it works once and for about a
   * minute, and whoever opens it connects the account.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such config.
   */
  async listMcpConnectedAccounts(parameters: ListMcpConnectedAccountsParameters, options?: RequestOptions): Promise<ConnectionAuthState[]> {
    const site = siteOf(McpActions.prototype.listMcpConnectedAccounts, "list_mcp_connected_accounts");
    return called<ConnectionAuthState[]>(site, this.#client, parameters, options);
  }

  /**
   * Waits until a user has authorized the connections of a config: a returned {@link AccountWait}
   * is iterated for the changes on the way or awaited for the final states. Returning it from an
   * `async` function awaits it.
   *
   * The accounts are looked at after one second, then at growing distances up to eight; a look that
   * fails for a passing reason is repeated. `timeoutSeconds` (600 if not given) is for the wait as a
   * whole, the `timeoutMs` of the options for each look. Aborting the signal ends it.
   *
   * @throws Awaited or iterated, those of {@link listMcpConnectedAccounts};
   * {@link ScalekitValidationError} (`connection_unknown`) for a connection that the config does not
   * have; {@link ScalekitAuthorizationRequiredError} (`account_disconnected`) when an account becomes
   * `DISCONNECTED`; {@link ScalekitTimeoutError} (`wait_timed_out`) when the time is over.
   */
  waitUntilActive(parameters: WaitUntilActiveParameters, options?: RequestOptions): AccountWait {
    const site = siteOf(McpActions.prototype.waitUntilActive, "wait_until_active");
    const wanted = reading(site, this.#client, parameters, options);
    return AccountWait.of(
      () => items<AccountChange>(site, wanted),
      async () => result<ConnectionAuthState[]>(site, wanted()),
    );
  }

  /**
   * Mints a session token for one user: fresh for every agent run, never reused.
   * {@link openSession} does this and keeps the token valid until the run ends.
   *
   * @throws {@link ScalekitBadRequestError} when an account of the user is not `ACTIVE`;
   * {@link ScalekitNotFoundError} when there is no such config or connection.
   */
  async createSessionToken(parameters: CreateSessionTokenParameters, options?: RequestOptions): Promise<SessionToken> {
    const site = siteOf(McpActions.prototype.createSessionToken, "create_session_token");
    return called<SessionToken>(site, this.#client, parameters, options);
  }

  /**
   * Opens a session: mints a token for this user and gives it a URL. The token is renewed while
   * the session is used; an unused session sends nothing, and there is nothing to close.
   *
   * @throws {@link ScalekitAuthorizationRequiredError} with each connection that the user must
   * authorize first, and those of {@link createSessionToken}.
   */
  async openSession(parameters: OpenSessionOptions, options?: RequestOptions): Promise<Session> {
    const site = siteOf(McpActions.prototype.openSession, "open_session");
    const call = ready(site, this.#client, located(site, () => flat(parameters)), options);
    const session = await answered(site, call.signal, this.#client.log, (handle) => call.native.openSession(call.text, handle));
    return Session.of(session, this.#client.log);
  }

  /**
   * The instance of a config for one user (PREVIEW), made if there is none: the same config, user
   * and name answer with the same instance. New programs use configs and {@link openSession}.
   *
   * @throws {@link ScalekitBadRequestError} or {@link ScalekitNotFoundError} for a config that does
   * not exist.
   */
  async ensureInstance(parameters: EnsureInstanceParameters, options?: RequestOptions): Promise<Instance> {
    return called<Instance>(siteOf(McpActions.prototype.ensureInstance, "ensure_instance"), this.#client, parameters, options);
  }

  /**
   * Changes an instance (PREVIEW): `name`, `configName` or both; what is not given stays.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async updateInstance(parameters: UpdateInstanceParameters, options?: RequestOptions): Promise<Instance> {
    return called<Instance>(siteOf(McpActions.prototype.updateInstance, "update_instance"), this.#client, parameters, options);
  }

  /**
   * Gets one instance by its id (PREVIEW).
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async getInstance(parameters: GetInstanceParameters, options?: RequestOptions): Promise<Instance> {
    return called<Instance>(siteOf(McpActions.prototype.getInstance, "get_instance"), this.#client, parameters, options);
  }

  /** Lists instances (PREVIEW), a page of 1 to 30 at a time. */
  async listInstances(parameters: ListInstancesParameters = {}, options?: RequestOptions): Promise<InstancePage> {
    return called<InstancePage>(siteOf(McpActions.prototype.listInstances, "list_instances"), this.#client, parameters, options);
  }

  /**
   * Deletes an instance (PREVIEW). Its URL stops working at once.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async deleteInstance(parameters: DeleteInstanceParameters, options?: RequestOptions): Promise<void> {
    await called<void>(siteOf(McpActions.prototype.deleteInstance, "delete_instance"), this.#client, parameters, options);
  }

  /**
   * How the user of an instance stands with each of its connections (PREVIEW). `includeAuthLinks` does
   * what `includeAuthLink` of {@link McpActions.listMcpConnectedAccounts} does.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async getInstanceAuthState(parameters: GetInstanceAuthStateParameters, options?: RequestOptions): Promise<ConnectionAuthState[]> {
    const site = siteOf(McpActions.prototype.getInstanceAuthState, "get_instance_auth_state");
    return called<ConnectionAuthState[]>(site, this.#client, parameters, options);
  }
}

/** The core knows a config by its id and URL. */
function flat(parameters: object): object {
  if (typeof parameters !== "object" || parameters === null || !isPlain(parameters)) return parameters;
  const { config, configId, ...rest } = copyOf(parameters, "");
  if (config === undefined) return { ...rest, configId };
  const part = (name: string): unknown => (typeof config === "object" && config !== null ? propertyOf(config, name, `config.${name}`) : undefined);
  const id = part("id");
  if (typeof id !== "string") {
    throw argumentError("argument_type", "config", "`config` must be a config", "pass an id as `configId`");
  }
  if (configId !== undefined) {
    throw argumentError("target_ambiguous", "configId", "pass `config` or `configId`, not both: a session has one server");
  }
  return { ...rest, configId: id, mcpServerUrl: part("mcpServerUrl") };
}
