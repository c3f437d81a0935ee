// The client: one per environment.

import { Actions } from "./actions.js";
import { located, plain, settled, showAs, siteOf } from "./bridge.js";
import { toText } from "./convert.js";
import { argumentError } from "./failure.js";
import { Log } from "./log.js";
import { type Client, makeClient } from "./native.js";
import type { ClientOptions } from "./options.js";

/**
 * A client of one environment: base URL, client id, client secret.
 *
 * Making one sends nothing; the access token is fetched with the first call and kept. Calls made
 * side by side share connections and the access token. An idle client does not keep the process
 * alive.
 *
 * @example
 * ```ts
 * await using client = new ScalekitClient({ envUrl, clientId, clientSecret });
 * const config = await client.actions.mcp.createConfig({
 *   name: "email-calendar-agent",
 *   connectionToolMappings: [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }],
 * });
 * ```
 */
export class ScalekitClient implements AsyncDisposable {
  readonly #native: Client;
  /** The operations. */
  readonly actions: Actions;

  /**
   * Makes a client from options; what is not given comes from the environment, else it has the
   * default that {@link ClientOptions} names.
   *
   * @throws {@link ScalekitValidationError} that names what is missing or wrong.
   */
  constructor(options: ClientOptions = {}) {
    const site = siteOf(ScalekitClient);
    const [text, log] = located(site, () => {
      const { logger, logLevel, ...own } = plain(options, "{ envUrl, clientId, clientSecret }");
      return [optionsText(own), Log.of(logger, logLevel)] as const;
    });
    this.#native = settled(site, makeClient(text));
    this.actions = Actions.of({ native: this.#native, log });
  }

  /**
   * A client from `SCALEKIT_ENVIRONMENT_URL` (or `SCALEKIT_ENV_URL`), `SCALEKIT_CLIENT_ID` and
   * `SCALEKIT_CLIENT_SECRET`.
   *
   * @throws {@link ScalekitValidationError} that names the variable that is missing.
   */
  static fromEnv(): ScalekitClient {
    return new ScalekitClient();
  }

  /** The base URL of the environment. */
  get envUrl(): string {
    return this.#native.envUrl;
  }

  /**
   * Ends the client: calls that wait are told so, later ones fail with
   * {@link ScalekitCancelledError}. Calls under way finish. Closing twice is fine.
   */
  async close(): Promise<void> {
    this.#native.close();
  }

  /** The same as {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What JSON holds of it: no secret. */
  toJSON(): { envUrl: string } {
    return { envUrl: this.envUrl };
  }
}

function optionsText(own: Record<string, unknown>): string {
  // The core's name for us, which is no option here.
  if (Object.hasOwn(own, "language")) throw argumentError("unknown_argument", "language", "there is no option `language`");
  return toText({ ...own, language: "node" }, "ClientOptions");
}

showAs(ScalekitClient);
