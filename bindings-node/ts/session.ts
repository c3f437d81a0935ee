// A session: one agent run's URL and a credential that stays valid until the run ends.

import { answered, located, onlyOptions, showAs, siteOf } from "./bridge.js";
import { fromText, toText } from "./convert.js";
import type { SessionReport, SessionToken } from "./generated.js";
import type { Log } from "./log.js";
import type { Session as Native } from "./native.js";
import type { SignalOptions, TokenOptions } from "./options.js";

/** What an MCP client asks for a token, where it has no `fetch` to be given. */
export interface AuthProvider {
  /** The token, always fresh: asked for before each request. */
  token(): Promise<string>;
  /** Called when the server has refused it: the next one is new. */
  onUnauthorized(): Promise<void>;
}

/**
 * One agent run: a URL and a bearer token that stays valid, also for longer than a token lives. One
 * that is not used sends nothing, and there is nothing to close.
 *
 * Methods reject with the signal's reason when they are aborted.
 *
 * @example
 * ```ts
 * const session = await client.actions.mcp.openSession({ config, identifier: "user_123" });
 * const transport = new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch });
 * ```
 */
export class Session {
  readonly #native: Native;
  readonly #log: Log | undefined;

  private constructor(native: Native, log: Log | undefined) {
    this.#native = native;
    this.#log = log;
  }

  /** @internal */
  static of(native: Native, log: Log | undefined): Session {
    return new Session(native, log);
  }

  /** The MCP endpoint to connect to. */
  get url(): string {
    return this.#native.url;
  }

  /** The user this session acts for. */
  get identifier(): string {
    return this.#native.identifier;
  }

  /**
   * A token that is valid now. Usually the one at hand; near its end a new one.
   *
   * @throws {@link ScalekitValidationError} (`valid_for_too_long`) when no token of this session lives
   * as long as `validForSeconds`. When the old token is about to end and no new one can be had, those
   * of `openSession`: {@link ScalekitAuthorizationRequiredError} says which account went inactive.
   */
  async token(options?: TokenOptions): Promise<SessionToken> {
    const text = await this.#ask(Session.prototype.token, "token", {}, options, ["validForSeconds"]);
    return fromText(text, "SessionToken") as SessionToken;
  }

  /**
   * The headers for a request to {@link url}, always fresh: ask again for each request.
   *
   * @throws Those of {@link token}.
   */
  async headers(options?: SignalOptions): Promise<Record<string, string>> {
    const text = await this.#ask(Session.prototype.headers, "headers", {}, options);
    return fromText(text, undefined) as Record<string, string>;
  }

  /**
   * The value of the `Authorization` header for a request to `url`, always fresh: what a hook of an
   * MCP client asks for before each request.
   *
   * @throws {@link ScalekitValidationError} (`wrong_origin`) for a URL of another server: the token
   * is for one server only. Else those of {@link token}.
   */
  async authorizationFor(url: string | URL, options?: SignalOptions): Promise<string> {
    const parameters = { url: url instanceof URL ? url.href : url };
    return JSON.parse(await this.#ask(Session.prototype.authorizationFor, "authorization_for", parameters, options)) as string;
  }

  /**
   * Says that the server refused a credential, so that the next one is new: what a hook calls
   * before it repeats a request once. `credential` is the token, or the whole header value that
   * carried it; one that has been replaced already causes no request.
   *
   * @throws Those of `openSession`.
   */
  async rejected(credential: string, options?: SignalOptions): Promise<void> {
    await this.#ask(Session.prototype.rejected, "rejected", { credential }, options);
  }

  /**
   * Asks the MCP server for its tools, as an agent would, and reports what it would find: the tools
   * and their size, configured tools that are missing, names that are too long, accounts of the user
   * that are not active. No tool is called. A token that is refused is replaced once.
   *
   * @throws Those of {@link token}, and what keeps an agent from its tools:
   * {@link ScalekitConnectionError} (`mcp_unreachable`), {@link ScalekitUnauthorizedError}
   * (`session_token_refused`, `wrong_audience`, `clock_skew`), {@link ScalekitForbiddenError}
   * (`mcp_forbidden`), {@link ScalekitNotFoundError} (`mcp_server_not_found`),
   * {@link ScalekitInternalServerError} (`mcp_error`), {@link ScalekitUnknownError} (`not_mcp`).
   */
  async check(options?: SignalOptions): Promise<SessionReport> {
    const text = await this.#ask(Session.prototype.check, "check", {}, options);
    return fromText(text, "SessionReport") as SessionReport;
  }

  /**
   * `fetch` with this session's credential, for MCP clients that take a `fetch` of their own: a
   * request that the server refuses is repeated once with a new token. Usable on its own, without
   * `this`.
   *
   * @throws Those of {@link authorizationFor}, and of the global `fetch`.
   */
  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const repeat = request.clone();
    const [answer, credential] = await this.#fetchOnce(request);
    if (!this.refuses(answer)) return answer;
    await answer.body?.cancel();
    await this.rejected(credential, { signal: request.signal });
    return (await this.#fetchOnce(repeat))[0];
  };

  /**
   * This session's credential for MCP clients that take an `authProvider` with `token` and
   * `onUnauthorized`, such as version 2 of the official one. Prefer {@link fetch} where there is a
   * choice: it knows which token was refused, and keeps it from other servers by itself.
   *
   * Both reject with the errors of {@link token}.
   */
  readonly authProvider: AuthProvider = authProviderOf(this);

  /** Whether an answer says that the credential is not accepted. @internal */
  refuses(answer: Response): boolean {
    return answer.status === this.#native.refusedStatus;
  }

  /** What JSON holds of it: no secret. */
  toJSON(): { url: string; identifier: string } {
    return { url: this.url, identifier: this.identifier };
  }

  async #fetchOnce(request: Request): Promise<[Response, string]> {
    const credential = await this.authorizationFor(request.url, { signal: request.signal });
    request.headers.set(this.#native.credentialHeader, credential);
    return [await fetch(request), credential];
  }

  /** `known`: the options that go along as parameters. */
  async #ask(
    entry: Function,
    operation: string,
    parameters: object,
    options: SignalOptions | undefined,
    known: readonly string[] = [],
  ): Promise<string> {
    const site = { ...siteOf(entry), type: "SessionCall" };
    const [signal, text] = located(site, () => {
      const [signal, rest] = onlyOptions(options, known);
      return [signal, toText({ ...parameters, ...rest }, "SessionCall")] as const;
    });
    return answered(site, signal, this.#log, (handle) => this.#native.call(operation, text, handle));
  }
}

/** Its caller does not say which token was refused: the last one that it was given. */
function authProviderOf(session: Session): AuthProvider {
  let given: string | undefined;
  return {
    token: async () => (given = (await session.token()).token),
    onUnauthorized: async () => {
      if (given !== undefined) await session.rejected(given);
    },
  };
}

showAs(Session);
