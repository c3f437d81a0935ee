// `scalekit-vmcp/testing` for `import`: the same objects as for `require`, and the hooks of vitest,
// which cannot be required.
import { type TestHooks, useHooks } from "./hooks.js";

export * from "./testing.js";

if (process.env["VITEST"] !== undefined) {
  // Not a literal: vitest is nothing that this package needs.
  const runner: string = "vitest";
  const hooks = await import(runner).catch(() => undefined);
  if (hooks !== undefined) useHooks(hooks as TestHooks);
}
