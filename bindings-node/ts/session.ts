// A session: one agent run's URL and a credential that stays valid until the run ends.

import { answered, located, onlyOptions, showAs, siteOf } from "./bridge.js";
import { fromText, toText } from "./convert.js";
import type { SessionReport, SessionToken } from "./generated.js";
import type { Session as Native } from "./native.js";
import type { SignalOptions, TokenOptions } from "./options.js";

/**
 * One agent run: a URL and a bearer token that stays valid.
 *
 * @example
 * ```ts
 * const session = await client.actions.mcp.openSession({ config, identifier: "user_123" });
 * const transport = new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch });
 * ```
 */
export class Session {
  readonly #native: Native;

  private constructor(native: Native) {
    this.#native = native;
  }

  /** @internal */
  static of(native: Native): Session {
    return new Session(native);
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
   * as long as `validForSeconds`. Else Those of `openSession`, when the old token is about to end and no new one can be had:
   * {@link ScalekitAuthorizationRequiredError} says which account went inactive.
   */
  async token(options?: TokenOptions): Promise<SessionToken> {
    const text = await this.#ask(Session.prototype.token, "token", {}, options, ["validForSeconds"]);
    return fromText(text, "SessionToken") as SessionToken;
  }

  /**
   * The headers for a request to {@link url}, always fresh.
   *
   * @throws Those of {@link token}.
   */
  async headers(options?: SignalOptions): Promise<Record<string, string>> {
    const text = await this.#ask(Session.prototype.headers, "headers", {}, options);
    return fromText(text, undefined) as Record<string, string>;
  }

  /**
   * The credential for a request to `url`, always fresh: what a hook of an MCP client asks for
   * before each request.
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
    if (answer.status !== this.#native.refusedStatus) return answer;
    await answer.body?.cancel();
    await this.rejected(credential, { signal: request.signal });
    return (await this.#fetchOnce(repeat))[0];
  };

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
    return answered(site, signal, (cancel) => this.#native.call(operation, text, cancel));
  }
}

showAs(Session);
