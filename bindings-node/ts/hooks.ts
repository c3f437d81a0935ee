// Test runners: where their hooks are found, and what they tell of a test.

import * as nodeHooks from "node:test";

import { argumentError } from "./failure.js";

/** The hooks of a test runner, as the modules `node:test`, `vitest`, `@jest/globals`, `mocha` and `bun:test` have them. */
export type TestHooks = {
  /** Runs a hook before each test. */
  beforeEach(hook: (context: unknown) => Promise<void>): unknown;
  /** Runs a hook after each test. */
  afterEach(hook: (context: unknown) => Promise<void>): unknown;
} & (
  | { /** Runs a hook after the last test. */ afterAll(hook: () => Promise<void>): unknown }
  | { /** Runs a hook after the last test. */ after(hook: () => Promise<void>): unknown }
);

let ofRunner: TestHooks | undefined;

/** Sets the hooks of the runner that was found. @internal */
export function useHooks(hooks: TestHooks): void {
  ofRunner = hooks;
}

/** Those of the runner that the tests run in. @internal */
export function foundHooks(): TestHooks {
  const global = globalThis as Partial<TestHooks>;
  if (ofRunner !== undefined) return ofRunner;
  if (areHooks(global)) return global;
  // Vitest is there, but cannot be imported from here.
  if (process.env["VITEST"] === undefined) return nodeHooks;
  throw argumentError("argument_type", "hooks", "the hooks of the test runner were not found", "pass them: `setupEngine({ hooks: vitest })` with `import * as vitest from \"vitest\"`");
}

/** Whether a runner's hooks are all there. @internal */
export function areHooks(hooks: Partial<TestHooks>): hooks is TestHooks {
  if ((typeof hooks !== "object" && typeof hooks !== "function") || hooks === null) return false;
  const last = "afterAll" in hooks ? hooks.afterAll : "after" in hooks ? hooks.after : undefined;
  return [hooks.beforeEach, hooks.afterEach, last].every((hook) => typeof hook === "function");
}

/** With what something can be said beside a test that failed; none if it did not. @internal */
export function tellerOf(context: unknown): ((text: string) => void) | undefined {
  const { passed, diagnostic, task } = (context ?? {}) as RunnerContext;
  // node:test
  if (passed === false && diagnostic !== undefined) return (text) => text.split("\n").forEach((line) => diagnostic.call(context, line));
  // vitest
  if (task?.result?.state === "fail") return console.error;
  return undefined;
}

/** What of a test's context says how it went. */
interface RunnerContext {
  passed?: boolean;
  diagnostic?: (text: string) => void;
  task?: { result?: { state?: string } };
}
