// `scalekit-vmcp/testing`: a local engine for the tests of a file.

import type { ScalekitClient } from "./client.js";
import type { JournalRecord } from "./controls.js";
import { type EngineOptions, LocalEngine } from "./engine.js";
import { ScalekitCancelledError, ScalekitError } from "./errors.js";
import { argumentError } from "./failure.js";
import { areHooks, foundHooks, tellerOf, type TestHooks } from "./hooks.js";

export type { TestHooks };

/** With what {@link setupEngine} starts an engine: all of it is optional. */
export interface SetupOptions extends EngineOptions {
  /** The runner's hooks, such as the module `vitest`; found by themselves with node:test, vitest and where hooks are global. */
  hooks?: TestHooks | undefined;
}

/** The engine and the client of a file's tests. Read them inside tests and hooks: there they are ready. */
export interface EngineSetup {
  /** A running engine without configs, accounts, faults and journal, its clock set right. */
  readonly engine: LocalEngine;
  /** A client of it. It ends with the test. */
  readonly client: ScalekitClient;
}

/** As many records of the journal are shown. */
const MOST_SHOWN = 50;

/**
 * Gives the tests of this file an engine: it is started for the first of them, emptied before each,
 * and closed after the last. Under a test that fails stands what it asked of the engine, with vitest
 * and node:test.
 *
 * Call it once, outside of tests or in a `describe`. Files that run in parallel have an engine each,
 * on a free port; the tests of one file share theirs, so they must not run side by side. The steps
 * of a test (`t.test`) find what those before them left.
 *
 * @throws {@link ScalekitValidationError} when no hooks are found. Wrong options are those of
 * {@link LocalEngine.start}: they fail the tests.
 *
 * @example
 * ```ts
 * const vmcp = setupEngine({ config: "vmcp.toml" });
 *
 * test("a user without an account gets a link", async () => {
 *   const answer = await askAgent(vmcp.client, "alice");
 *   assert.match(answer, /^Please connect gmail: /);
 *   assert.equal((await vmcp.engine.authLinks()).length, 1);
 * });
 * ```
 */
export function setupEngine(options: SetupOptions = {}): EngineSetup {
  if (typeof options !== "object" || options === null) {
    throw argumentError("argument_type", "options", "the options must be a plain object such as `{ config }`");
  }
  const { hooks = foundHooks(), ...start } = options;
  if (!areHooks(hooks)) {
    throw argumentError("argument_type", "hooks", "`hooks` must have the functions `beforeEach`, `afterEach`, and `afterAll` or `after`");
  }
  const tests = new Tests(start);
  hooks.beforeEach(() => tests.begin());
  // Without a parameter: some runners would take it for a callback that the hook calls at its end.
  hooks.afterEach(function () {
    return tests.end(arguments[0]);
  });
  const close = (): Promise<void> => tests.close();
  if ("afterAll" in hooks) hooks.afterAll(close);
  else hooks.after(close);
  return tests;
}

/** The engine from test to test. */
class Tests implements EngineSetup {
  readonly #options: EngineOptions;
  #engine: LocalEngine | undefined;
  #client: ScalekitClient | undefined;
  /** How many hold now: a test, and steps within it. */
  #depth = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  get engine(): LocalEngine {
    if (this.#engine !== undefined && this.#depth > 0) return this.#engine;
    throw new Error("`engine` and `client` are there inside tests and the hooks around each; if this is one, pass the hooks of its runner: `setupEngine({ hooks })`");
  }

  get client(): ScalekitClient {
    return (this.#client ??= this.engine.client());
  }

  async begin(): Promise<void> {
    if (this.#depth === 0) await this.#empty();
    this.#depth += 1;
  }

  async #empty(): Promise<void> {
    try {
      await this.#engine?.reset();
    } catch (error) {
      if (!(error instanceof ScalekitCancelledError)) throw error;
      // A test has closed it.
      this.#engine = undefined;
    }
    this.#engine ??= await LocalEngine.start(this.#options);
  }

  async end(context: unknown): Promise<void> {
    // A test whose engine did not start has not begun.
    if (this.#depth > 0) this.#depth -= 1;
    if (this.#depth > 0 || this.#engine === undefined) return;
    const tell = tellerOf(context);
    if (tell !== undefined) tell(`vmcp engine:\n${await told(this.#engine)}`);
    await this.#client?.close();
    this.#client = undefined;
  }

  async close(): Promise<void> {
    await this.#engine?.close();
  }
}

async function told(engine: LocalEngine): Promise<string> {
  try {
    const records = await engine.journal();
    if (records.length === 0) return "nothing was asked of the engine";
    const leftOut = records.length - MOST_SHOWN;
    const earlier = leftOut > 0 ? [`(${leftOut} earlier requests)`] : [];
    return [...earlier, ...records.slice(-MOST_SHOWN).map(line)].join("\n");
  } catch (error) {
    if (error instanceof ScalekitError) return `no journal: ${error.message}`;
    throw error;
  }
}

function line(record: JournalRecord): string {
  const user = record.identifier === undefined ? undefined : `for ${record.identifier}`;
  const subject = [record.path, record.connectionName, record.tool, user].filter((part) => part !== undefined);
  const ended = record.outcome ?? record.status ?? "closed without an answer";
  return `${String(record.seq).padStart(4)}  ${record.method} ${subject.join(" ")}: ${ended}, ${record.durationMs.toFixed(1)} ms`;
}
