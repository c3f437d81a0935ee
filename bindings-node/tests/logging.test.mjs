// What a client tells its logger, and what it costs to tell nothing.

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { ScalekitClient } from "scalekit-vmcp";

import { startEngine } from "../build/tests/engine.mjs";
import { config as answerConfig, startFakeApi } from "./fake-api.mjs";
import { heard } from "./listener.mjs";

const { CallHandle } = createRequire(import.meta.url)("../dist/main.js");

let engine;
before(async () => (engine = await startEngine()));
after(() => engine.close());

/** A logger that keeps what it is told. */
function keeper() {
  const kept = [];
  const logger = {};
  for (const level of ["debug", "info", "warn", "error"]) logger[level] = (message, fields) => void kept.push({ level, message, fields });
  /** What came since the last time, in short. */
  const taken = () => kept.splice(0).map(({ level, message }) => `${level} ${message}`);
  return { logger, kept, taken };
}

const missing = (client, options) => assert.rejects(client.actions.mcp.getConfig({ configId: "cfg_1" }, options), { status: 404 });

test("a call tells each request and what came of it", async () => {
  const { logger, kept, taken } = keeper();
  await missing(engine.client({ logger }));
  const { requestId, durationMs, ...rest } = kept[1].fields;
  assert.deepEqual(rest, { method: "GET", path: "/api/v1/mcp/configs/cfg_1", attempt: 1, status: 404, code: "not_found" });
  assert.equal(typeof requestId, "string");
  assert.ok(Number.isInteger(durationMs));
  assert.deepEqual(taken(), ["debug `POST /oauth/token` was answered with 200", "debug `GET /api/v1/mcp/configs/cfg_1` was answered with 404"]);
});

test("another try is told, and why", async () => {
  const { logger, kept, taken } = keeper();
  const client = engine.client({ logger, backoffBaseMs: 1, backoffCapMs: 2 });
  await engine.addFault({ path: "/api/v1/mcp/configs", status: 503, times: 1 });
  await client.actions.mcp.listConfigs();
  const again = kept.find(({ level }) => level === "info").fields;
  assert.ok(again.waitMs <= 2);
  assert.deepEqual({ ...again, waitMs: 0 }, { method: "GET", path: "/api/v1/mcp/configs", attempt: 1, code: "service_unavailable", waitMs: 0 });
  assert.deepEqual(taken().slice(1), [
    "debug `GET /api/v1/mcp/configs` was answered with 503",
    "info `GET /api/v1/mcp/configs` failed and will be tried again",
    "debug `GET /api/v1/mcp/configs` was answered with 200",
  ]);
  await engine.clearFaults();
});

test("an access token that is refused is told, and a call that is given up", async () => {
  const { logger, kept, taken } = keeper();
  let answer = (response) => response.writeHead(401).end("{}");
  const api = await startFakeApi((request, response) => answer(response, request));
  const client = new ScalekitClient({ ...api.options, logger });
  await assert.rejects(client.actions.mcp.getConfig({ configId: "cfg_1" }), { status: 401 });
  assert.ok(taken().includes("info the access token was refused; a new one is fetched"));
  const controller = new AbortController();
  const asked = new Promise((resolve) => (answer = (_, request) => resolve(request)));
  const call = client.actions.mcp.getConfig({ configId: "cfg_1" }, { signal: controller.signal });
  const request = await asked;
  const gone = once(request.socket, "close");
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  await gone;
  answer = (response) => answerConfig(response);
  kept.length = 0;
  await client.actions.mcp.getConfig({ configId: "cfg_1" }, { signal: new AbortController().signal });
  assert.deepEqual(taken(), ["debug `GET /api/v1/mcp/configs/cfg_1` was answered with 200"]);
  await api.stop();
});

test("a server that does not answer is told without a status", async () => {
  const { logger, kept } = keeper();
  const client = new ScalekitClient({ envUrl: "http://127.0.0.1:9", clientId: "skc_1", clientSecret: "hunter2", maxRetries: 0, logger });
  await assert.rejects(client.actions.mcp.listConfigs(), { name: "ScalekitConnectionError" });
  assert.deepEqual(
    kept.map(({ level, message, fields }) => [level, message, fields.status, fields.code]),
    [["debug", "`POST /oauth/token` was not answered", undefined, "connect_failed"]],
  );
});

test("streams, waits and sessions log, and a renewal that fails is a warning", async () => {
  const { logger, kept, taken } = keeper();
  const { mcp } = engine.client({ logger, maxRetries: 0 }).actions;
  const { id } = await mcp.createConfig({ name: "logged", connectionToolMappings: [{ connectionName: "googlecalendar" }] });
  taken();
  for await (const _ of mcp.iterConfigs());
  assert.deepEqual(taken(), ["debug `GET /api/v1/mcp/configs` was answered with 200"]);
  const session = await mcp.openSession({ configId: id, identifier: "user_1" });
  assert.ok(taken().includes(`debug \`POST /api/v1/mcp/configs/${id}/tokens\` was answered with 200`));
  await mcp.waitUntilActive({ configId: id, identifier: "user_1" });
  assert.match(taken().join(), /accounts.* was answered with 200/i);
  await session.check();
  assert.match(taken().join(), new RegExp(`\`POST ${new URL(session.url).pathname}\` was answered with 200`));
  await engine.addFault({ path: `/api/v1/mcp/configs/${id}/tokens`, status: 500 });
  const { token } = await session.token();
  await assert.rejects(session.rejected(token), { name: "ScalekitInternalServerError" });
  await engine.clearFaults();
  const [warning] = kept.filter(({ level }) => level === "warn");
  assert.match(warning.message, /^the session token was not renewed; the one at hand lives for \d+ seconds$/);
  assert.deepEqual(warning.fields, { code: "server_error", status: 500 });
});

test("only what is wanted is told", async () => {
  for (const [logLevel, levels] of [["debug", ["debug", "debug", "info", "debug"]], ["info", ["info"]], ["warn", []], ["error", []], ["off", []]]) {
    const { logger, kept } = keeper();
    await engine.addFault({ path: "/api/v1/mcp/configs", status: 503, times: 1 });
    await engine.client({ logger, logLevel, backoffBaseMs: 1 }).actions.mcp.listConfigs();
    assert.deepEqual(kept.map(({ level }) => level), levels, logLevel);
    await engine.clearFaults();
  }
});

test("two clients tell two loggers, each in the context of its call", async () => {
  const context = new AsyncLocalStorage();
  const told = [];
  const one = (name) => {
    const tell = (_, { path }) => told.push([name, context.getStore(), path]);
    return engine.client({ logger: { debug: tell, info: tell, warn: tell, error: tell } });
  };
  const clients = { a: one("a"), b: one("b") };
  const calls = Array.from({ length: 20 }, (_, index) => {
    const name = index % 2 === 0 ? "a" : "b";
    const configId = `cfg_${name}${index}`;
    return context.run(configId, () => assert.rejects(clients[name].actions.mcp.getConfig({ configId }), { status: 404 }));
  });
  await Promise.all(calls);
  const asked = told.filter(([, , path]) => path !== "/oauth/token");
  assert.equal(asked.length, 20);
  for (const [name, configId, path] of asked) {
    assert.equal(path, `/api/v1/mcp/configs/${configId}`);
    assert.ok(configId.startsWith(`cfg_${name}`), `${configId} was told to ${name}`);
  }
});

test("a logger that throws or rejects breaks no call", async () => {
  const broken = () => {
    throw new Error("the disk is full");
  };
  const rejecting = async () => broken();
  const unhandled = [];
  const note = (reason) => unhandled.push(reason);
  process.on("unhandledRejection", note);
  for (const method of [broken, rejecting]) {
    const logger = { debug: method, info: method, warn: method, error: method };
    await engine.client({ logger }).actions.mcp.listConfigs();
    await missing(engine.client({ logger }));
  }
  // Unhandled rejections are told once the microtasks are done.
  await new Promise(setImmediate);
  process.off("unhandledRejection", note);
  assert.deepEqual(unhandled, []);
});

test("what is no logger or level is named", () => {
  const { logger } = keeper();
  const refused = (options, argument, words) =>
    assert.throws(
      () => engine.client(options),
      (error) => {
        assert.deepEqual([error.name, error.code, error.argument], ["ScalekitValidationError", "argument_type", argument]);
        assert.match(error.message, words);
        return true;
      },
    );
  refused({ logger: {} }, "logger.debug", /must be a function; pass `console`/);
  refused({ logger: null }, "logger.debug", /must be a function/);
  refused({ logger: { ...logger, warn: "no" } }, "logger.warn", /must be a function/);
  refused({ logLevel: "verbose" }, "logLevel", /one of `debug`, `info`, `warn`, `error`, `off`, got "verbose"/);
  refused({ logLevel: 5 }, "logLevel", /got a value of type number/);
  for (const [name, meant] of [["loger", "logger"], ["loglevel", "logLevel"], ["log_level", "logLevel"]]) {
    assert.throws(() => engine.client({ [name]: console }), { code: "unknown_argument", argument: name, suggestion: `did you mean \`${meant}\`?` });
  }
});

test("everything logged in the suite is listened to", async () => {
  heard.texts.length = 0;
  await missing(engine.client());
  assert.equal(heard.texts.length, 2);
  console.debug("scalekit-vmcp:", "eyJhbGciOiJFUzI1NiJ9.a.b");
  assert.equal(heard.secrets.splice(0).length, 1);
});

test("who does not want to be told pays nothing", async () => {
  const take = CallHandle.prototype.takeRecords;
  let taken = 0;
  CallHandle.prototype.takeRecords = function () {
    taken += 1;
    return take.call(this);
  };
  try {
    await missing(engine.client({ logLevel: "off" }), { signal: new AbortController().signal });
    assert.equal(taken, 0);
    await missing(engine.client({ logLevel: "error" }));
    assert.equal(taken, 1);
  } finally {
    CallHandle.prototype.takeRecords = take;
  }
});

/** What a program prints that makes one call, with these variables and options. */
function printed(variables, options = "") {
  const program = `
    import { ScalekitClient } from "scalekit-vmcp";
    const client = new ScalekitClient({ ${options} });
    await client.actions.mcp.listConfigs();`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
    env: {
      SCALEKIT_ENVIRONMENT_URL: engine.envUrl,
      SCALEKIT_CLIENT_ID: engine.clientId,
      SCALEKIT_CLIENT_SECRET: engine.clientSecret,
      NO_COLOR: "1",
      ...variables,
    },
  });
  return stdout + stderr;
}

test("the environment turns the log on, and an option goes first", () => {
  const line = /^scalekit-vmcp: `GET \/api\/v1\/mcp\/configs` was answered with 200 \{/m;
  for (const level of ["", "off", "info", "error"]) assert.equal(printed({ SCALEKIT_VMCP_LOG: level }), "", level);
  assert.equal(printed({}), "");
  assert.match(printed({ SCALEKIT_VMCP_LOG: "debug" }), line);
  assert.match(printed({ SCALEKIT_VMCP_LOG: "error" }, "logLevel: 'debug'"), line);
  assert.equal(printed({ SCALEKIT_VMCP_LOG: "debug" }, "logLevel: 'off'"), "");
  assert.equal(printed({ SCALEKIT_VMCP_LOG: "warn" }, "logger: console"), "");
  assert.match(printed({ SCALEKIT_VMCP_LOG: "loud" }), /ScalekitValidationError: `SCALEKIT_VMCP_LOG` must be one of .*, got "loud"/);
});
