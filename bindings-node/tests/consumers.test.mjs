// The package as users load and run it: `import`, `require`, the command, the compiler.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  for (const name of ["main.js", "dist/main.js", "dist/hooks.js"]) {
    await assert.rejects(import(`scalekit-vmcp/${name}`), { code: "ERR_PACKAGE_PATH_NOT_EXPORTED" });
  }
});

test("what the files of the package share is not exported", () => {
  assert.deepEqual(names(imported).filter((name) => !/^(AccountWait|Actions|McpActions|Session|Scalekit\w+)$/.test(name)), []);
});

test("without a native library, or with one that is broken, the package says what is wrong", () => {
  const folder = mkdtempSync(join(tmpdir(), "vmcp-"));
  const library = readdirSync(path("../dist/")).find((name) => name.endsWith(".node"));
  for (const name of ["index.js", "main.js"]) copyFileSync(path(`../dist/${name}`), join(folder, name));
  const load = (code) => spawnSync(process.execPath, ["-e", `${code};require("./index.js")`], { cwd: folder, encoding: "utf8" }).stderr;
  assert.match(load(""), /its native library for [a-z0-9]+-[a-z0-9]+ is not installed; install the package on this platform again/);
  assert.match(load("Object.defineProperty(process, 'arch', { value: 'mips' })"), /is not made for [a-z0-9]+-mips/);
  writeFileSync(join(folder, library), "no library");
  assert.match(load(""), /the native library for [a-z0-9]+-[a-z0-9]+ cannot be loaded: Error: .*\.node/);
  rmSync(folder, { recursive: true });
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
