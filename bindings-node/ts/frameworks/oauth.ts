// For MCP clients whose only hook is an OAuth provider.

import type { Session } from "../session.js";

/** What an `OAuthClientProvider` of the MCP SDK, version 1, must have, and no more of it than is needed. */
export interface SessionOAuthProvider {
  /** None: no user is sent anywhere. */
  readonly redirectUrl: undefined;
  /** What an authorization server would be told. */
  readonly clientMetadata: { redirect_uris: string[] };
  /** Who asks. */
  clientInformation(): { client_id: string };
  /** The session's token, always fresh: asked for before each request. */
  tokens(): Promise<{ access_token: string; token_type: string }>;
  /** Keeps nothing: the session has its token. */
  saveTokens(): void;
  /** Never called. */
  redirectToAuthorization(): void;
  /** Never called. */
  saveCodeVerifier(): void;
  /** Never called. */
  codeVerifier(): string;
  /** Where tokens come from; asked after the server has refused one. */
  discoveryState(): Promise<{
    authorizationServerUrl: string;
    authorizationServerMetadata: {
      issuer: string;
      authorization_endpoint: string;
      token_endpoint: string;
      response_types_supported: string[];
    };
    resourceMetadata: { resource: string };
  }>;
  /** The request for a token. */
  prepareTokenRequest(): URLSearchParams;
  /** None is named in that request. */
  validateResourceURL(): Promise<undefined>;
}

const NAME = "scalekit-vmcp";
/** An answer that comes without any request. Its token is not used: `tokens()` has the real one. */
const NOWHERE = `data:application/json,${encodeURIComponent(JSON.stringify({ access_token: "replaced", token_type: "none" }))}`;

/**
 * A session as an OAuth provider. After a 401 the MCP SDK wants to ask an authorization server for
 * the next token; it is told that this has been done.
 *
 * @internal
 */
export class OAuthSession implements SessionOAuthProvider {
  readonly #session: Session;
  /** The credential that was asked for last: the SDK does not say which one was refused. */
  #given: string | undefined;
  readonly redirectUrl: undefined = undefined;
  readonly clientMetadata: { redirect_uris: string[] } = { redirect_uris: [] };

  constructor(session: Session) {
    this.#session = session;
  }

  clientInformation(): { client_id: string } {
    return { client_id: NAME };
  }

  async tokens(): Promise<{ access_token: string; token_type: string }> {
    this.#given = await this.#session.authorizationFor(this.#session.url);
    const [token_type = "", access_token = ""] = this.#given.split(" ");
    return { access_token, token_type };
  }

  saveTokens(): void {}

  redirectToAuthorization(): void {}

  saveCodeVerifier(): void {}

  codeVerifier(): string {
    return "";
  }

  async discoveryState(): ReturnType<SessionOAuthProvider["discoveryState"]> {
    if (this.#given !== undefined) await this.#session.rejected(this.#given);
    const metadata = { issuer: NOWHERE, authorization_endpoint: NOWHERE, token_endpoint: NOWHERE, response_types_supported: [] };
    return { authorizationServerUrl: NOWHERE, authorizationServerMetadata: metadata, resourceMetadata: { resource: this.#session.url } };
  }

  prepareTokenRequest(): URLSearchParams {
    return new URLSearchParams({ grant_type: "client_credentials" });
  }

  async validateResourceURL(): Promise<undefined> {}
}
