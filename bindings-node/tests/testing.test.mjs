// `scalekit-vmcp/testing`, in test runs of their own: with node:test, with vitest, and with hooks that are passed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { setupEngine } from "scalekit-vmcp/testing";

import { compile, makeProject, PACKAGE, run, vitest } from "./projects.mjs";

const EXAMPLE = join(PACKAGE, "examples", "testing");
const FOUND = Object.fromEntries(["vmcp.toml", "gmail.json"].map((name) => [name, readFileSync(join(EXAMPLE, name), "utf8")]));

/** Each runner: how a file begins, and how the project is run. */
const RUNNERS = [
  {
    name: "node:test",
    head: `import { beforeEach, describe, test } from "node:test";`,
    run: (project, ...given) => run(project, process.execPath, ["--test", "--test-reporter=spec", "--test-concurrency=2", ...given]),
    totals: (text) => ["pass", "fail"].map((word) => Number(new RegExp(`^ℹ ${word} (\\d+)`, "m").exec(text)?.[1])),
  },
  {
    name: "vitest",
    head: `import { beforeEach, describe, test } from "vitest";`,
    run: (project, ...given) => vitest(project, "--maxWorkers=2", ...given),
    totals: (text) => {
      const line = /^ +Tests +(.*)$/m.exec(text)?.[1] ?? "";
      return ["passed", "failed"].map((word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0));
    },
  },
];

const HEAD = `
import assert from "node:assert/strict";
import { setupEngine } from "scalekit-vmcp/testing";
const vmcp = setupEngine({ config: "vmcp.toml" });
const configs = async () => (await vmcp.client.actions.mcp.listConfigs()).configs.length;
`;

/** Runs test files in a project of their own, and checks the totals. */
async function ran(runner, files, passed, failed = 0) {
  const whole = Object.entries(files).map(([name, text]) => [name, `${runner.head}\n${HEAD}\n${text}`]);
  const project = makeProject({ files: { ...FOUND, "package.json": `{ "type": "module" }`, ...Object.fromEntries(whole) } });
  const ended = await runner.run(project, ...Object.keys(files));
  assert.deepEqual(runner.totals(ended.stdout), [passed, failed], ended.all);
  assert.equal(ended.code, failed === 0 ? 0 : 1);
  return { project, ...ended };
}

for (const runner of RUNNERS) {
  test(`${runner.name}: a test sees nothing of another one`, async () => {
    const one = `
      const urls = new Set();
      async function isEmpty() {
        const { engine, client } = vmcp;
        urls.add(engine.envUrl);
        assert.equal(urls.size, 1);
        assert.deepEqual([await engine.faults(), await engine.journal(), await engine.authLinks()], [[], [], []]);
        assert.ok(Math.abs((await engine.now()).getTime() - Date.now()) < 60_000);
        assert.equal(await configs(), 0);
        assert.deepEqual((await client.actions.listConnectedAccounts()).connectedAccounts, []);
        await engine.seed({ configs: [{ name: "agent" }], accounts: [{ connectionName: "gmail", identifier: "u", credential: "k" }] });
        await engine.addFault({ path: "/api/*", status: 500 });
        await engine.advanceClock(86_400);
      }
      for (const number of [1, 2]) test("it " + number, isEmpty);
      describe("in a suite", () => {
        test("it", isEmpty);
        describe("in a suite", () => void test("it", isEmpty));
      });
    `;
    await ran(runner, { "a.test.mjs": one }, 4);
  });

  test(`${runner.name}: files that run side by side have an engine each`, async () => {
    // Each waits until the other one is there.
    const file = (mine, other) => `
      import { existsSync, readFileSync, watch, writeFileSync } from "node:fs";
      test("it", async () => {
        await vmcp.engine.seed({ configs: [{ name: "${mine}" }] });
        writeFileSync("${mine}.part", vmcp.engine.envUrl);
        await new Promise((resolve) => {
          const look = () => existsSync("${other}.part") && readFileSync("${other}.part", "utf8") !== "" && (watcher.close(), resolve());
          const watcher = watch(".", look);
          look();
        });
        assert.notEqual(readFileSync("${other}.part", "utf8"), vmcp.engine.envUrl);
        assert.deepEqual((await vmcp.client.actions.mcp.listConfigs()).configs.map(({ name }) => name), ["${mine}"]);
      });
    `;
    await ran(runner, { "a.test.mjs": file("a", "b"), "b.test.mjs": file("b", "a") }, 2);
  });

  test(`${runner.name}: the client ends with its test, and a test may close the engine`, async () => {
    const file = `
      let kept;
      test("first", async () => {
        kept = vmcp.client;
        assert.equal(vmcp.client, kept);
        await vmcp.engine.close();
      });
      test("then", async () => {
        assert.notEqual(vmcp.client, kept);
        await assert.rejects(kept.actions.mcp.listConfigs(), { name: "ScalekitCancelledError" });
        assert.equal(await configs(), 0);
      });
    `;
    await ran(runner, { "a.test.mjs": file }, 2);
  });

  test(`${runner.name}: hooks of one's own find the engine ready`, async () => {
    const file = `
      assert.throws(() => vmcp.engine, /inside tests and the hooks around each/);
      assert.throws(() => vmcp.client, /inside tests/);
      beforeEach(() => vmcp.engine.seed({ configs: [{ name: "agent" }] }));
      test("one", async () => assert.equal(await configs(), 1));
      test("two", async () => assert.equal(await configs(), 1));
    `;
    await ran(runner, { "a.test.mjs": file }, 2);
  });

  test(`${runner.name}: under a test that fails stands what it asked of the engine`, async () => {
    const file = `
      test("fails", async () => {
        const times = Array.from({ length: 60 }, () => vmcp.client.actions.mcp.listConfigs({ search: "needle" }));
        await Promise.all(times);
        await vmcp.engine.waitFor({ pathPrefix: "/api", count: 60 });
        assert.fail();
      });
      test("idles", () => assert.fail());
      test("closes", async () => {
        await vmcp.engine.close();
        assert.fail();
      });
      test("passes", () => vmcp.client.actions.listConnectedAccounts());
    `;
    const { all } = await ran(runner, { "a.test.mjs": file }, 1, 3);
    assert.equal(all.match(/vmcp engine:$/gm)?.length, 3, all);
    assert.match(all, /\(11 earlier requests\)/);
    assert.equal(all.match(/ \d+ {2}GET \/api\/v1\/mcp\/configs: 200, \d+\.\d ms$/gm)?.length, 50, all);
    assert.match(all, / 61 {2}GET \/api\/v1\/mcp\/configs: 200/);
    assert.match(all, /nothing was asked of the engine/);
    assert.match(all, /no journal: the engine has been closed/);
    assert.doesNotMatch(all, /needle"|search=|connected_accounts:/);
  });

  test(`${runner.name}: wrong options fail the tests, and say why`, async () => {
    const file = `test("it", () => {});`;
    const project = makeProject({ files: { "package.json": `{ "type": "module" }`, "a.test.mjs": `${runner.head}\n${HEAD.replace("config:", "confg:")}\n${file}` } });
    const { code, all } = await runner.run(project, "a.test.mjs");
    assert.equal(code, 1);
    assert.match(all, /ScalekitValidationError.*`confg`.*`config`/);
  });
}

test("node:test: the steps of a test are one test", async () => {
  const file = `
    test("it", async (t) => {
      await vmcp.engine.seed({ configs: [{ name: "agent" }] });
      const { client } = vmcp;
      await t.test("step", async () => assert.equal(await configs(), 1));
      await t.test("step", async () => assert.equal(await configs(), 1));
      assert.equal(vmcp.client, client);
    });
    test("another", async () => assert.equal(await configs(), 0));
  `;
  await ran(RUNNERS[0], { "a.test.mjs": file }, 4);
});

test("node:test: a CommonJS file uses it too", async () => {
  const file = `
    const { test } = require("node:test");
    const { setupEngine } = require("scalekit-vmcp/testing");
    const vmcp = setupEngine({ configToml: "" });
    test("it", () => vmcp.client.actions.mcp.listConfigs());
  `;
  const { code, all } = await run(makeProject({ files: { "a.test.cjs": file } }), process.execPath, ["--test", "a.test.cjs"]);
  assert.equal(code, 0, all);
});

test("vitest: where it cannot be imported from the package, its hooks are global or passed", async () => {
  // What is required imports nothing.
  const file = (options) => `
    import assert from "node:assert/strict";
    import { createRequire } from "node:module";
    import * as vitest from "vitest";
    const { setupEngine } = createRequire(import.meta.url)("scalekit-vmcp/testing");
    const vmcp = setupEngine(${options});
    vitest.test("it", () => vmcp.client.actions.mcp.listConfigs());
  `;
  const files = { "package.json": `{ "type": "module" }`, "found.test.mjs": file("{}"), "passed.test.mjs": file("{ hooks: vitest }") };
  const project = makeProject({ files });
  const told = await vitest(project, "found.test.mjs");
  assert.equal(told.code, 1);
  assert.match(told.all, /the hooks of the test runner were not found; pass them: `setupEngine\(\{ hooks: vitest \}\)`/);
  for (const given of [["--globals", "found.test.mjs"], ["passed.test.mjs"]]) {
    const { code, all } = await vitest(project, ...given);
    assert.equal(code, 0, all);
  }
});

test("hooks are taken as they are passed, with either name for the last one", async () => {
  for (const last of ["after", "afterAll"]) {
    const given = {};
    const hooks = Object.fromEntries(["beforeEach", "afterEach", last].map((name) => [name, (hook) => (given[name] = hook)]));
    const vmcp = setupEngine({ configToml: "", hooks });
    // Some runners take a parameter for a callback.
    for (const hook of Object.values(given)) assert.equal(hook.length, 0);
    await given.beforeEach();
    const { engine } = vmcp;
    await vmcp.client.actions.mcp.listConfigs();
    await given.afterEach();
    assert.throws(() => vmcp.engine, /inside tests/);
    await given[last]();
    await assert.rejects(engine.journal(), { name: "ScalekitCancelledError" });
  }
  assert.throws(() => setupEngine({ hooks: { beforeEach() {} } }), { name: "ScalekitValidationError", argument: "hooks" });
  assert.throws(() => setupEngine(null), { name: "ScalekitValidationError", argument: "options" });
});

test("the example is true, and typed", async () => {
  const project = makeProject({ folder: EXAMPLE });
  assert.equal(await compile(project), "");
  const { code, stdout, all } = await vitest(project);
  assert.equal(code, 0, all);
  assert.match(stdout, /Tests +4 passed/);
});
