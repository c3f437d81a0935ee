// `client.actions.mcp`: one method per operation, and no decision.

import { answered, located, signalOf, siteOf } from "./bridge.js";
import { fromText, toText } from "./convert.js";
import { argumentError } from "./failure.js";
import {
  OPERATIONS,
  type Config,
  type ConfigPage,
  type ConnectionAuthState,
  type CreateConfigParameters,
  type CreateSessionTokenParameters,
  type DeleteConfigParameters,
  type GetConfigParameters,
  type IterConfigsParameters,
  type ListConfigsParameters,
  type ListMcpConnectedAccountsParameters,
  type OpenSessionParameters,
  type SessionToken,
  type UpdateConfigParameters,
} from "./generated.js";
import type { Client } from "./native.js";
import { requestText, type RequestOptions } from "./options.js";
import { Session } from "./session.js";
import { items } from "./stream.js";

/** What a session is opened with: a config, its id, or a connection. */
export interface OpenSessionOptions extends OpenSessionParameters {
  /** The config, as an answer held it; or `configId`, or `connectionName`. */
  config?: Pick<Config, "id" | "mcpServerUrl"> | undefined;
}

/**
 * Virtual MCP servers.
 *
 * Every method rejects with a {@link ScalekitError}: {@link ScalekitValidationError} before
 * anything is sent, {@link ScalekitUnauthorizedError} when the credentials are refused,
 * {@link ScalekitTimeoutError} and {@link ScalekitConnectionError} on the way; what else is named
 * with each. An aborted call rejects with the signal's reason.
 */
export class McpActions {
  readonly #client: Client;

  /** @internal */
  constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Creates a config: one Virtual MCP server per agent role, not per user.
   *
   * Never sent twice: when the connection breaks in the middle, look for the name before creating
   * it again.
   *
   * @throws {@link ScalekitConflictError} when the name is taken; {@link ScalekitBadRequestError}
   * for a connection or tool that does not exist.
   */
  async createConfig(parameters: CreateConfigParameters, options?: RequestOptions): Promise<Config> {
    return (await this.#call("create_config", parameters, options, McpActions.prototype.createConfig)) as Config;
  }

  /**
   * Gets one config by its id.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async getConfig(parameters: GetConfigParameters, options?: RequestOptions): Promise<Config> {
    return (await this.#call("get_config", parameters, options, McpActions.prototype.getConfig)) as Config;
  }

  /** Lists configs, a page at a time. {@link iterConfigs} follows the pages. */
  async listConfigs(parameters: ListConfigsParameters = {}, options?: RequestOptions): Promise<ConfigPage> {
    return (await this.#call("list_configs", parameters, options, McpActions.prototype.listConfigs)) as ConfigPage;
  }

  /**
   * Every config, page after page, fetched as they are wanted. Leaving the loop ends the request
   * that is under way.
   *
   * @example
   * ```ts
   * for await (const config of client.actions.mcp.iterConfigs({ search: "email" })) console.log(config.name);
   * ```
   */
  iterConfigs(parameters: IterConfigsParameters = {}, options?: RequestOptions): AsyncGenerator<Config, void, undefined> {
    return items<Config>(this.#client, "iter_configs", parameters, options, siteOf(McpActions.prototype.iterConfigs));
  }

  /**
   * Changes a config; what is not given stays. Running sessions see the change at once.
   *
   * @throws {@link ScalekitNotFoundError}; {@link ScalekitValidationError} for an empty description
   * or list too: the API cannot clear either.
   */
  async updateConfig(parameters: UpdateConfigParameters, options?: RequestOptions): Promise<Config> {
    return (await this.#call("update_config", parameters, options, McpActions.prototype.updateConfig)) as Config;
  }

  /**
   * Deletes a config. Its URL stops working at once, for running sessions too.
   *
   * @throws {@link ScalekitNotFoundError} when there is none with this id.
   */
  async deleteConfig(parameters: DeleteConfigParameters, options?: RequestOptions): Promise<void> {
    await this.#call("delete_config", parameters, options, McpActions.prototype.deleteConfig);
  }

  /**
   * How a user stands with each connection of a config, with a link to authorize if asked for.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such config.
   */
  async listMcpConnectedAccounts(parameters: ListMcpConnectedAccountsParameters, options?: RequestOptions): Promise<ConnectionAuthState[]> {
    const entry = McpActions.prototype.listMcpConnectedAccounts;
    return (await this.#call("list_mcp_connected_accounts", parameters, options, entry)) as ConnectionAuthState[];
  }

  /**
   * Mints a session token for one user: fresh for every agent run, never reused.
   * {@link openSession} does this and keeps the token valid until the run ends.
   *
   * @throws {@link ScalekitBadRequestError} when an account of the user is not `ACTIVE`;
   * {@link ScalekitNotFoundError}.
   */
  async createSessionToken(parameters: CreateSessionTokenParameters, options?: RequestOptions): Promise<SessionToken> {
    const entry = McpActions.prototype.createSessionToken;
    return (await this.#call("create_session_token", parameters, options, entry)) as SessionToken;
  }

  /**
   * Opens a session: mints a token for this user and gives it a URL. The token is renewed while
   * the session is used; an unused session sends nothing, and there is nothing to close.
   *
   * @throws {@link ScalekitAuthorizationRequiredError} with each connection that the user must
   * authorize first, and those of {@link createSessionToken}.
   */
  async openSession(parameters: OpenSessionOptions, options?: RequestOptions): Promise<Session> {
    const site = siteOf(McpActions.prototype.openSession);
    const [signal, text, request] = located(site, () => [
      signalOf(options),
      toText(flat(parameters), parametersOf("open_session")),
      requestText(options),
    ] as const);
    const session = await answered(site, signal, (cancel) => this.#client.openSession(text, request, cancel));
    return new Session(session);
  }

  async #call(operation: string, parameters: object, options: RequestOptions | undefined, entry: Function): Promise<unknown> {
    const site = siteOf(entry);
    const [signal, text, request] = located(site, () => [
      signalOf(options),
      toText(parameters, parametersOf(operation)),
      requestText(options),
    ] as const);
    const answer = await answered(site, signal, (cancel) => this.#client.call(operation, text, request, cancel));
    return fromText(answer, OPERATIONS[operation]?.result);
  }
}

function parametersOf(operation: string): string {
  return OPERATIONS[operation]?.parameters ?? "";
}

/** The core knows a config by its id and URL. */
function flat(parameters: OpenSessionOptions): object {
  if (parameters?.config === undefined) return parameters;
  const { config, ...rest } = parameters;
  if (typeof config?.id !== "string") {
    throw argumentError("argument_type", "config", "`config` must be a config", "pass an id as `configId`");
  }
  if (rest.configId !== undefined) {
    throw argumentError("target_ambiguous", "configId", "pass `config` or `configId`, not both: a session has one server");
  }
  return { ...rest, configId: config.id, mcpServerUrl: config.mcpServerUrl };
}
