// The operations, grouped as in the API: one method each, and no decision.

import { siteOf } from "./bridge.js";
import { called, type Caller } from "./call.js";
import type {
  AuthorizationLink,
  ConnectedAccount,
  ConnectedAccountPage,
  CreateConnectedAccountParameters,
  DeleteConnectedAccountParameters,
  GetAuthorizationLinkParameters,
  GetConnectedAccountDetailsParameters,
  GetConnectedAccountParameters,
  GetOrCreateConnectedAccountParameters,
  ListAvailableToolsParameters,
  ListConnectedAccountsParameters,
  ListScopedToolsParameters,
  ListToolsParameters,
  ScopedToolPage,
  SearchConnectedAccountsParameters,
  ToolPage,
  UpdateConnectedAccountParameters,
  VerifiedUser,
  VerifyConnectedAccountUserParameters,
} from "./generated.js";
import { McpActions } from "./mcp.js";
import type { RequestOptions } from "./options.js";

/**
 * The operations of an environment: Virtual MCP servers in {@link mcp}, the users' connected
 * accounts and the tools that there are.
 *
 * An account is named by `connectionName` and `identifier`, or by `connectedAccountId`. Methods
 * reject like those of {@link McpActions}: {@link ScalekitValidationError} before anything is sent,
 * and what is named with each.
 */
export class Actions {
  /** Virtual MCP servers: configs, the users' accounts on their connections, sessions. */
  readonly mcp: McpActions;
  readonly #client: Caller;

  private constructor(client: Caller) {
    this.mcp = McpActions.of(client);
    this.#client = client;
  }

  /** @internal */
  static of(client: Caller): Actions {
    return new Actions(client);
  }

  /**
   * Makes a link that lets a user authorize a connection. It works once, and for about a minute; the
   * account is created if there is none. The link is in neither `console.log` nor JSON.
   *
   * @throws {@link ScalekitNotFoundError} for a connection that does not exist.
   */
  async getAuthorizationLink(parameters: GetAuthorizationLinkParameters, options?: RequestOptions): Promise<AuthorizationLink> {
    const site = siteOf(Actions.prototype.getAuthorizationLink, "get_authorization_link");
    return called<AuthorizationLink>(site, this.#client, parameters, options);
  }

  /**
   * Confirms that the user who has authorized is the one whom the application knows: the account
   * goes from `PENDING_VERIFICATION` to `ACTIVE`. `identifier` must come from the application's own
   * session, never from the URL that the user's browser was sent to.
   *
   * Repeated only where the server cannot have done it.
   *
   * @throws {@link ScalekitForbiddenError} when it was another user; {@link ScalekitNotFoundError}
   * when the flow has ended or was confirmed before.
   */
  async verifyConnectedAccountUser(parameters: VerifyConnectedAccountUserParameters, options?: RequestOptions): Promise<VerifiedUser> {
    const site = siteOf(Actions.prototype.verifyConnectedAccountUser, "verify_connected_account_user");
    return called<VerifiedUser>(site, this.#client, parameters, options);
  }

  /** Lists accounts, a page of 1 to 99 at a time, without their credentials. */
  async listConnectedAccounts(parameters: ListConnectedAccountsParameters = {}, options?: RequestOptions): Promise<ConnectedAccountPage> {
    const site = siteOf(Actions.prototype.listConnectedAccounts, "list_connected_accounts");
    return called<ConnectedAccountPage>(site, this.#client, parameters, options);
  }

  /** Finds accounts by a part of their user, of their connection or of its provider, in any case: a page of 1 to 30 at a time, without their credentials. */
  async searchConnectedAccounts(parameters: SearchConnectedAccountsParameters, options?: RequestOptions): Promise<ConnectedAccountPage> {
    const site = siteOf(Actions.prototype.searchConnectedAccounts, "search_connected_accounts");
    return called<ConnectedAccountPage>(site, this.#client, parameters, options);
  }

  /**
   * Gets one account **with its credentials**, which neither `console.log` nor JSON shows.
   * {@link getConnectedAccountDetails} leaves them out.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such account.
   */
  async getConnectedAccount(parameters: GetConnectedAccountParameters, options?: RequestOptions): Promise<ConnectedAccount> {
    const site = siteOf(Actions.prototype.getConnectedAccount, "get_connected_account");
    return called<ConnectedAccount>(site, this.#client, parameters, options);
  }

  /**
   * Gets one account without its credentials.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such account.
   */
  async getConnectedAccountDetails(parameters: GetConnectedAccountDetailsParameters, options?: RequestOptions): Promise<ConnectedAccount> {
    const site = siteOf(Actions.prototype.getConnectedAccountDetails, "get_connected_account_details");
    return called<ConnectedAccount>(site, this.#client, parameters, options);
  }

  /**
   * Creates an account. Without `authorizationDetails` it waits for the user to authorize.
   * `authorizationDetails` and `apiConfig` are sent with their keys as they are.
   *
   * Repeated only where the server cannot have done it.
   *
   * @throws {@link ScalekitConflictError} when the user has an account on that connection;
   * {@link ScalekitBadRequestError} (or {@link ScalekitNotFoundError}) for a connection that does not
   * exist.
   */
  async createConnectedAccount(parameters: CreateConnectedAccountParameters, options?: RequestOptions): Promise<ConnectedAccount> {
    const site = siteOf(Actions.prototype.createConnectedAccount, "create_connected_account");
    return called<ConnectedAccount>(site, this.#client, parameters, options);
  }

  /**
   * The account of a user on a connection, created if there is none; credentials and settings that
   * are given are written either way.
   *
   * @throws Those of {@link createConnectedAccount} and {@link updateConnectedAccount}, but never
   * {@link ScalekitConflictError}.
   */
  async getOrCreateConnectedAccount(parameters: GetOrCreateConnectedAccountParameters, options?: RequestOptions): Promise<ConnectedAccount> {
    const site = siteOf(Actions.prototype.getOrCreateConnectedAccount, "get_or_create_connected_account");
    return called<ConnectedAccount>(site, this.#client, parameters, options);
  }

  /**
   * Changes credentials or settings of an account; what is not given stays, and settings are merged
   * with those that are there.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such account; {@link ScalekitValidationError}
   * when there is nothing to change.
   */
  async updateConnectedAccount(parameters: UpdateConnectedAccountParameters, options?: RequestOptions): Promise<ConnectedAccount> {
    const site = siteOf(Actions.prototype.updateConnectedAccount, "update_connected_account");
    return called<ConnectedAccount>(site, this.#client, parameters, options);
  }

  /**
   * Deletes an account and its credentials.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such account.
   */
  async deleteConnectedAccount(parameters: DeleteConnectedAccountParameters, options?: RequestOptions): Promise<void> {
    const site = siteOf(Actions.prototype.deleteConnectedAccount, "delete_connected_account");
    await called<void>(site, this.#client, parameters, options);
  }

  /**
   * Lists the tools that there are, a page of up to 1000 at a time: names to put into a config.
   *
   * @throws {@link ScalekitNotFoundError} for an account that does not exist, named by its id or by
   * connection and user; {@link ScalekitBadRequestError} for a connection without a user
   * and for a `pageToken` of another list.
   */
  async listTools(parameters: ListToolsParameters = {}, options?: RequestOptions): Promise<ToolPage> {
    return called<ToolPage>(siteOf(Actions.prototype.listTools, "list_tools"), this.#client, parameters, options);
  }

  /** Lists the tools that one user can use, each with the account that it acts with. */
  async listScopedTools(parameters: ListScopedToolsParameters, options?: RequestOptions): Promise<ScopedToolPage> {
    const site = siteOf(Actions.prototype.listScopedTools, "list_scoped_tools");
    return called<ScopedToolPage>(site, this.#client, parameters, options);
  }

  /**
   * Lists the tools that are available to one user, without the accounts they act with.
   *
   * A local engine lists those of the connections on which the user's account is `ACTIVE`; the
   * published API does not say (an assumption).
   */
  async listAvailableTools(parameters: ListAvailableToolsParameters, options?: RequestOptions): Promise<ToolPage> {
    const site = siteOf(Actions.prototype.listAvailableTools, "list_available_tools");
    return called<ToolPage>(site, this.#client, parameters, options);
  }
}
