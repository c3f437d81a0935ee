// The package as users load and run it: `import`, `require`, the command, the compiler.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import * as imported from "scalekit-vmcp";
import * as engine from "scalekit-vmcp/engine";
import * as frameworks from "scalekit-vmcp/frameworks";
import * as testing from "scalekit-vmcp/testing";

const require = createRequire(import.meta.url);
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const names = (module) => Object.keys(module).filter((name) => name !== "__esModule" && name !== "default" && name !== "module.exports").sort();

test("`import` and `require` give the same objects", () => {
  const entries = { "scalekit-vmcp": imported, "scalekit-vmcp/engine": engine, "scalekit-vmcp/frameworks": frameworks, "scalekit-vmcp/testing": testing };
  for (const [name, module] of Object.entries(entries)) {
    const required = require(name);
    assert.deepEqual(names(module), names(required));
    for (const one of names(module)) assert.equal(module[one], required[one], one);
  }
  assert.deepEqual([names(engine), names(testing)], [["LocalEngine"], ["setupEngine"]]);
});

test("what is private cannot be imported", async () => {
  for (const name of ["native.cjs", "dist/native.cjs", "dist/convert.js"]) {
    await assert.rejects(import(`scalekit-vmcp/${name}`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  }
});

test("loading the package prints nothing, sends nothing and needs no environment", () => {
  for (const script of ["require('scalekit-vmcp'); require('scalekit-vmcp/engine')", "import('scalekit-vmcp').then(() => import('scalekit-vmcp/engine'))"]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["-e", script], { cwd: path(".."), env: {}, encoding: "utf8" });
    assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  }
});

test("a strict program compiles, and every wrong line of it does not", () => {
  const tsc = path("../node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--noEmit", "--project", path("tsconfig.json")], { stdio: "pipe" });
});

test("the types name nothing that TypeScript before 5.6 lacks", () => {
  const dist = path("../dist/");
  const files = readdirSync(dist).filter((name) => /\.d\.[cm]?ts$/.test(name));
  assert.ok(files.length > 10, files.join());
  for (const name of files) {
    const text = readFileSync(join(dist, name), "utf8");
    // They took one argument, not three.
    assert.doesNotMatch(text, /\b(Async)?Iterable(Iterator)?<[^<>]*,/, name);
    assert.doesNotMatch(text, /\b(Async)?IteratorObject\b/, name);
  }
});

test("the `vmcp` command serves until Ctrl-C and ends with 0", async () => {
  const { bin } = require("scalekit-vmcp/package.json");
  const data = mkdtempSync(join(tmpdir(), "vmcp-"));
  const options = ["--port", "0", "--config", path("engine/vmcp.toml"), "--data", data];
  const child = spawn(process.execPath, [path(`../${bin.vmcp}`), "serve", ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  // Longer than it takes to end on a busy machine: one that hangs is ended then.
  const hang = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let said = "";
  await new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        said += text;
        if (/http:\/\/127\.0\.0\.1:\d+[\s\S]*\n/.test(said)) resolve();
      });
    }
    child.once("exit", resolve);
  });
  child.kill("SIGINT");
  assert.deepEqual(await closed, [0, null], said);
  clearTimeout(hang);
  rmSync(data, { recursive: true });
});

test("the `vmcp` command called wrongly ends with 2", () => {
  const { bin } = require("scalekit-vmcp/package.json");
  const { status, stderr } = spawnSync(process.execPath, [path(`../${bin.vmcp}`), "srve"], { encoding: "utf8" });
  assert.equal(status, 2);
  assert.match(stderr, /serve/);
});
