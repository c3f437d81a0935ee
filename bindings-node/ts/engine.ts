// `scalekit-vmcp/engine`: the local engine, for tests and for one machine.

import { answered, located, onlyOptions, plain, settled, showAs, siteOf } from "./bridge.js";
import { ScalekitClient } from "./client.js";
import type { AddedFault, AuditFilter, AuditRecord, AuthLink, CompletedLink, Diagnosis, DiagnosticsFilter, Fault, JournalFilter, JournalRecord, JournalWait, Seed, StatusChange } from "./controls.js";
import { copyOf, fromText, isPlain, toText } from "./convert.js";
import { argumentError } from "./failure.js";
import { type Engine, startEngine } from "./native.js";
import type { ClientOptions, SignalOptions } from "./options.js";

export type * from "./controls.js";

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
  /**
   * Lets the ids of configs, accounts, instances and requests, the UUIDs of servers and the chance of
   * faults follow from this whole number: the same steps give the same ones, also after a reset.
   * Secrets, links and tokens stay random.
   */
  seedIds?: number | undefined;
}

/** Engines that run: one that only its clients know must not end with the next garbage collection. */
const running = new Set<Engine>();

/**
 * A server with the same API in this process: it needs no network and no account.
 *
 * It runs until it is closed, or the process or the worker that started it ends; it does not keep the
 * process alive. Its methods reject with a
 * {@link ScalekitError}: a {@link ScalekitValidationError} names the argument that breaks a rule.
 * Most are for tests: they steer its clock, users and faults, and tell what was asked of it.
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
    running.add(native);
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

  /**
   * A client of this engine. Options are those of {@link ScalekitClient}.
   *
   * @throws {@link ScalekitValidationError} that names what is wrong.
   */
  client(options: Omit<ClientOptions, "envUrl" | "clientId" | "clientSecret"> = {}): ScalekitClient {
    const own = located(siteOf(LocalEngine.prototype.client), () => plain(options, "{ timeoutMs }"));
    return new ScalekitClient({ ...own, envUrl: this.envUrl, clientId: this.clientId, clientSecret: this.clientSecret });
  }

  /** What the engine's clock shows. */
  async now(): Promise<Date> {
    return (await this.#control<{ now: Date }>(LocalEngine.prototype.now, "clock", {}, "Reset", "Clock")).now;
  }

  /** Stops the engine's clock; {@link advanceClock} still moves it. */
  async freezeClock(): Promise<void> {
    await this.#control(LocalEngine.prototype.freezeClock, "set_clock", { freeze: true }, "ClockChange");
  }

  /**
   * Moves the engine's clock forward, in seconds: 0 to 10 years.
   *
   * @throws {@link ScalekitValidationError} for less and for more.
   */
  async advanceClock(seconds: number): Promise<void> {
    const entry = LocalEngine.prototype.advanceClock;
    located(siteOf(entry), () => {
      if (typeof seconds !== "number") throw argumentError("argument_type", "seconds", "`seconds` must be a number");
    });
    await this.#control(entry, "set_clock", { seconds }, "ClockChange");
  }

  /** Lets the engine's clock run and show real time again. */
  async resetClock(): Promise<void> {
    await this.#control(LocalEngine.prototype.resetClock, "set_clock", { reset: true }, "ClockChange");
  }

  /**
   * Removes all configs and accounts, ends what was started for them, forgets faults and journal, and
   * sets the clock right. With `seedIds`, ids follow from it from now on.
   */
  async reset(options: Pick<EngineOptions, "seedIds"> = {}): Promise<void> {
    await this.#control(LocalEngine.prototype.reset, "reset", options, "Reset");
  }

  /**
   * Stores configs and accounts, all of them or none.
   *
   * @throws {@link ScalekitValidationError} with the place of what breaks a rule or is there already.
   *
   * @example
   * ```ts
   * await engine.seed({
   *   configs: [{ name: "agent", connectionToolMappings: [{ connectionName: "gmail" }] }],
   *   accounts: [{ connectionName: "gmail", identifier: "user_123", credential: "a-key" }],
   * });
   * ```
   */
  async seed(seed: Seed): Promise<void> {
    await this.#control(LocalEngine.prototype.seed, "seed", seed, "Seed");
  }

  /**
   * Moves a user's account to another status. Unless it is active now, what ran for it has ended.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such connection or account.
   */
  async setAccountStatus(change: StatusChange): Promise<void> {
    await this.#control(LocalEngine.prototype.setAccountStatus, "set_account_status", change, "StatusChange");
  }

  /** The links that users were given in the last 24 hours, the oldest first; never their secrets. */
  async authLinks(): Promise<AuthLink[]> {
    const entry = LocalEngine.prototype.authLinks;
    return (await this.#control<{ authLinks: AuthLink[] }>(entry, "auth_links", {}, "Reset", "AuthLinks")).authLinks;
  }

  /**
   * Does what the link's page does with this credential, without a browser.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such link; {@link ScalekitConflictError}
   * when it is not open, or its connection needs no credential.
   */
  async completeAuthLink(answer: { linkId: string; credential: string }): Promise<CompletedLink> {
    return this.#control(LocalEngine.prototype.completeAuthLink, "complete_auth_link", answer, "LinkAnswer", "CompletedLink");
  }

  /**
   * Ends a link as if its user had refused; its page says so from then on.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such link; {@link ScalekitConflictError}
   * when it is not open.
   */
  async denyAuthLink(answer: { linkId: string }): Promise<void> {
    await this.#control(LocalEngine.prototype.denyAuthLink, "deny_auth_link", answer, "LinkAnswer");
  }

  /**
   * Lets something go wrong, and answers the fault's id. Of several, the first that is for a request,
   * and whose turn it is, strikes.
   *
   * @throws {@link ScalekitValidationError} for a fault that strikes nowhere, does nothing, or does two
   * things at once.
   *
   * @example
   * ```ts
   * await engine.addFault({ path: "/api/v1/mcp/configs", status: 503, times: 2 });
   * await engine.addFault({ connectionName: "gmail", method: "tools/call", hang: true });
   * ```
   */
  async addFault(fault: Fault): Promise<number> {
    return (await this.#control<{ id: number }>(LocalEngine.prototype.addFault, "add_fault", fault, "Fault", "AddedFault")).id;
  }

  /** The faults, in their order, and how often each struck. */
  async faults(): Promise<AddedFault[]> {
    return (await this.#control<{ faults: AddedFault[] }>(LocalEngine.prototype.faults, "faults", {}, "Reset", "Faults")).faults;
  }

  /** Removes all faults. What hangs because of one ends: its connection closes without an answer. */
  async clearFaults(): Promise<void> {
    await this.#control(LocalEngine.prototype.clearFaults, "clear_faults", {}, "Reset");
  }

  /** What was asked of the engine, the oldest first: of the last 4096 requests those that match. */
  async journal(filter: JournalFilter = {}): Promise<JournalRecord[]> {
    const entry = LocalEngine.prototype.journal;
    return (await this.#control<{ records: JournalRecord[] }>(entry, "journal", filter, "JournalFilter", "Journal")).records;
  }

  /**
   * Waits until the journal holds so many matching records, and answers all that match.
   *
   * @throws {@link ScalekitTimeoutError} when there are fewer in time: the message says how many came;
   * {@link ScalekitCancelledError} when the engine is closed meanwhile.
   */
  async waitFor(wait: JournalWait = {}, options?: SignalOptions): Promise<JournalRecord[]> {
    const entry = LocalEngine.prototype.waitFor;
    const [signal] = located(siteOf(entry), () => onlyOptions(options));
    const own = located(siteOf(entry), () => (isObject(wait) ? copyOf(wait, "") : wait));
    const whole = isObject(own) && own["count"] === undefined ? { ...own, count: 1 } : own;
    return (await this.#control<{ records: JournalRecord[] }>(entry, "journal", whole, "JournalWait", "Journal", signal)).records;
  }

  /** The calls of tools that match, the oldest first: of those that are kept, over restarts too. */
  async audit(filter: AuditFilter = {}): Promise<AuditRecord[]> {
    const entry = LocalEngine.prototype.audit;
    return (await this.#control<{ records: AuditRecord[] }>(entry, "audit", filter, "AuditFilter", "Audit")).records;
  }

  /**
   * Why users see what they see: the accounts that match, by connection and user. No upstream is asked.
   *
   * @throws {@link ScalekitNotFoundError} when there is no such connection or config.
   */
  async diagnostics(filter: DiagnosticsFilter = {}): Promise<Diagnosis[]> {
    const entry = LocalEngine.prototype.diagnostics;
    const answer = await this.#control<{ diagnostics: Diagnosis[] }>(entry, "diagnostics", filter, "DiagnosticsFilter", "Diagnostics");
    return answer.diagnostics;
  }

  /** Stops the engine and all that it started, and waits for it. Closing twice is fine. */
  async close(): Promise<void> {
    settled(siteOf(LocalEngine.prototype.close), await this.#native.close());
    running.delete(this.#native);
  }

  /** The same as {@link close}: for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What JSON holds of it: no secret. */
  toJSON(): { envUrl: string } {
    return { envUrl: this.envUrl };
  }

  /** Passes on what the user called `entry` with, a `type`, and reads the answer as a `result`. */
  async #control<T>(entry: Function, operation: string, request: unknown, type: string, result?: string, signal?: AbortSignal): Promise<T> {
    const site = siteOf(entry);
    site.type = type;
    const text = located(site, () => {
      if (!isObject(request)) throw argumentError("argument_type", "parameters", "the parameters must be an object");
      return toText(request, type);
    });
    const answer = await answered(site, signal, undefined, (handle) => this.#native.control(operation, text, handle));
    return fromText(answer, result) as T;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && isPlain(value);
}

showAs(LocalEngine);
