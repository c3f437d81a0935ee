// `scalekit-vmcp/engine`: the local engine, for tests and for one machine.

import { answered, located, settled, showAs, siteOf } from "./bridge.js";
import { ScalekitClient } from "./client.js";
import { toText } from "./convert.js";
import { argumentError } from "./failure.js";
import { type Answer, type Engine, startEngine } from "./native.js";
import type { ClientOptions } from "./options.js";

/** With what an engine is started; all of it is optional. */
export interface EngineOptions {
  /** The path of a `vmcp.toml`. */
  config?: string | undefined;
  /** The text of one, instead of `config`. */
  configToml?: string | undefined;
  /** Where relative paths in `configToml` start; the current folder if not given. */
  configFolder?: string | undefined;
  /** Where the engine keeps its data; a temporary folder, removed at the end, if not given. */
  dataFolder?: string | undefined;
  /** The port on 127.0.0.1; a free one if not given. */
  port?: number | undefined;
}

/**
 * A server with the same API in this process: it needs no network and no account.
 *
 * It does not keep the process alive, and ends with it. Its methods reject with a
 * {@link ScalekitError}.
 *
 * @example
 * ```ts
 * await using engine = await LocalEngine.start({ configToml: `[connections.gmail]\nsandbox = "gmail.json"` });
 * await using client = engine.client();
 * ```
 */
export class LocalEngine implements AsyncDisposable {
  readonly #native: Engine;

  private constructor(native: Engine) {
    this.#native = native;
  }

  /**
   * Starts an engine.
   *
   * @throws {@link ScalekitValidationError} for options or a file that break a rule;
   * {@link ScalekitConnectionError} when the port is taken; {@link ScalekitInternalServerError} when
   * the data cannot be used.
   */
  static async start(options: EngineOptions = {}): Promise<LocalEngine> {
    const site = siteOf(LocalEngine.start);
    const text = located(site, () => toText(options, "EngineOptions"));
    return new LocalEngine(settled(site, await startEngine(text)));
  }

  /** The base URL of its API. */
  get envUrl(): string {
    return this.#native.envUrl;
  }

  /** The id of a client that it knows. */
  get clientId(): string {
    return this.#native.clientId;
  }

  /** The secret of that client. */
  get clientSecret(): string {
    return this.#native.clientSecret;
  }

  /** A client of this engine. Options are those of {@link ScalekitClient}. */
  client(options: Omit<ClientOptions, "envUrl" | "clientId" | "clientSecret"> = {}): ScalekitClient {
    return new ScalekitClient({ ...options, envUrl: this.envUrl, clientId: this.clientId, clientSecret: this.clientSecret });
  }

  /** Stops the engine's clock; {@link advanceClock} still moves it. */
  async freezeClock(): Promise<void> {
    await this.#act(LocalEngine.prototype.freezeClock, () => this.#native.freezeClock());
  }

  /**
   * Moves the engine's clock forward, in seconds.
   *
   * @throws {@link ScalekitValidationError} for less than nothing and for more than ten years.
   */
  async advanceClock(seconds: number): Promise<void> {
    await this.#act(LocalEngine.prototype.advanceClock, () => {
      if (typeof seconds !== "number") throw argumentError("argument_type", "seconds", "`seconds` must be a number");
      return this.#native.advanceClock(seconds);
    });
  }

  /** Forgets all configs, accounts and tokens. */
  async reset(): Promise<void> {
    await this.#act(LocalEngine.prototype.reset, () => this.#native.reset());
  }

  /** Stops the engine and all that it started, and waits for it. Closing twice is fine. */
  async close(): Promise<void> {
    await this.#act(LocalEngine.prototype.close, () => this.#native.close());
  }

  /** The same as {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What JSON holds of it: no secret. */
  toJSON(): { envUrl: string } {
    return { envUrl: this.envUrl };
  }

  async #act(entry: Function, action: () => Promise<Answer>): Promise<void> {
    const site = siteOf(entry);
    await answered(site, undefined, () => located(site, action));
  }
}

showAs(LocalEngine);
