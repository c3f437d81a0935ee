// The table of tests/vectors/errors.json, row by row, and what an error shows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";

import * as sdk from "scalekit-vmcp";

import { startFakeApi } from "./fake-api.mjs";

const TABLE = JSON.parse(readFileSync(new URL("../../tests/vectors/errors.json", import.meta.url), "utf8"));
const EXPLANATIONS = readFileSync(new URL("../../core/errors.md", import.meta.url), "utf8");
const ROWS = TABLE.flatMap((kind) => kind.codes.map((code) => ({ kind: kind.kind, node: kind.node, ...code })));
const { settled, siteOf } = createRequire(import.meta.url)("../dist/main.js");

let api;
let status = 0;
let retryAfter = "0";
before(async () => {
  api = await startFakeApi((_, response) => {
    response.writeHead(status, { "x-request-id": "req_7", "retry-after": retryAfter });
    response.end(JSON.stringify({ message: "no luck", details: [{ error_code: "THEIR_CODE" }] }));
  });
});
after(() => api.stop());

async function thrown(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: "nothing was thrown" });
}

for (const row of ROWS) {
  test(`${row.kind}/${row.code} is ${row.node}`, async () => {
    const theCaller = () => {
      const entry = () => settled(siteOf(entry), { error: JSON.stringify({ kind: row.kind, code: row.code, message: "it failed" }) });
      return entry();
    };
    const error = await thrown(theCaller);
    assert.equal(error.constructor, sdk[row.node]);
    assert.equal(error.name, row.node);
    assert.ok(error instanceof sdk.ScalekitError && error instanceof Error);
    assert.deepEqual([error.kind, error.code, error.message, error.attempts], [row.kind, row.code, "it failed", 0]);
    assert.match(error.stack, new RegExp(`^${row.node}: it failed\n.*theCaller`));
    assert.ok(EXPLANATIONS.includes(`\n## ${row.code}\n\n${error.explanation}\n`));
  });
}

const STATUSES = ROWS.filter((row) => row.statuses).flatMap((row) =>
  row.statuses.map((text) => ({ ...row, status: Number({ "5xx": "500", "3xx": "302", other: "418" }[text] ?? text) })),
);
for (const row of STATUSES) {
  test(`an answer of ${row.status} is ${row.node}, with its facts and the caller's line`, async () => {
    status = row.status;
    const client = new sdk.ScalekitClient({ ...api.options, maxRetries: 0 });
    const error = await thrown(async function callerOfTheSdk() {
      await client.actions.mcp.getConfig({ configId: "cfg_1" });
    });
    assert.equal(error.constructor, sdk[row.node]);
    assert.deepEqual([error.kind, error.code, error.status, error.requestId], [row.kind, row.code, row.status, "req_7"]);
    assert.match(error.stack, /callerOfTheSdk .*errors\.test\.mjs/);
    if (row.status >= 400) assert.equal(error.errorCode, "THEIR_CODE");
  });
}

test("a refusal says how often it was tried and how long to wait", async () => {
  status = 429;
  const client = new sdk.ScalekitClient({ ...api.options, backoffBaseMs: 1, backoffCapMs: 1 });
  const often = await thrown(() => client.actions.mcp.getConfig({ configId: "cfg_1" }, { maxRetries: 2 }));
  assert.deepEqual([often.status, often.attempts, often.retryAfterMs, often.retryable], [429, 3, 0, true]);
  retryAfter = "7";
  const once = await thrown(() => client.actions.mcp.getConfig({ configId: "cfg_1" }, { maxRetries: 0 }));
  retryAfter = "0";
  assert.deepEqual([once.attempts, once.retryAfterMs], [1, 7000]);
});

test("a suggestion stands alone and at the end of the message", async () => {
  const error = await thrown(() => new sdk.ScalekitClient(api.options).actions.mcp.getConfig({ id: "cfg_1" }));
  assert.ok(error.suggestion.length > 5);
  assert.ok(error.message.endsWith(`; ${error.suggestion}`));
});

test("what a caller's own object threw is the cause, and is in no JSON", async () => {
  const mine = new Error("hunter2");
  const wrong = { get configId() { throw mine; } };
  const error = await thrown(() => new sdk.ScalekitClient(api.options).actions.mcp.getConfig(wrong));
  assert.equal(error.cause, mine);
  assert.ok(!JSON.stringify(error).includes("hunter2"));
  assert.ok(!Object.keys(error).includes("cause"));
  const without = await thrown(() => new sdk.ScalekitClient(api.options).actions.mcp.getConfig({}));
  assert.ok(!("cause" in without));
});

test("`toJSON` holds the facts and nothing else", async () => {
  status = 404;
  const client = new sdk.ScalekitClient({ ...api.options, maxRetries: 0 });
  const error = await thrown(() => client.actions.mcp.getConfig({ configId: "cfg_1" }));
  const { message, ...facts } = error.toJSON();
  assert.equal(message, error.message);
  assert.deepEqual(facts, {
    name: "ScalekitNotFoundError", kind: "not_found", code: "not_found", status: 404, errorCode: "THEIR_CODE", requestId: "req_7",
    retryAfterMs: 0, attempts: 1, retryable: false, ...(error.suggestion && { suggestion: error.suggestion }),
  });
  assert.deepEqual(JSON.parse(JSON.stringify(error)), error.toJSON());
});

test("an error crosses to another thread as far as the platform lets it: text and cause; `toJSON` takes the rest", async () => {
  status = 404;
  const worker = new Worker(new URL("exits/failing.mjs", import.meta.url), { workerData: api.options });
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  const uncaught = new Promise((resolve) => worker.once("error", resolve));
  const { error, json } = await new Promise((resolve) => worker.once("message", resolve));
  assert.ok(error instanceof Error);
  assert.equal(error.message, json.message);
  assert.deepEqual([json.name, json.code, json.status, json.requestId], ["ScalekitNotFoundError", "not_found", 404, "req_7"]);
  assert.deepEqual(structuredClone(json), json);
  // Node takes over more of an error that ends a worker.
  const { name, message, code, status: found, requestId } = await uncaught;
  assert.deepEqual([name, message, code, found, requestId], ["ScalekitNotFoundError", json.message, "not_found", 404, "req_7"]);
  await ended;
  const clone = structuredClone(await thrown(() => { throw error; }));
  assert.deepEqual([clone.message, clone.cause], [error.message, error.cause]);
});

test("every error class of the package is in the table", () => {
  const known = new Set([...ROWS.map((row) => row.node), "ScalekitError"]);
  assert.deepEqual(new Set(Object.keys(sdk).filter((name) => name.endsWith("Error"))), known);
});

test("a time-out here is a gateway time-out too", () => {
  assert.ok(sdk.ScalekitTimeoutError.prototype instanceof sdk.ScalekitGatewayTimeoutError);
});

test("neither text nor JSON of an error holds links or the server's details", async () => {
  const facts = {
    kind: "authorization_required",
    code: "authorization_required",
    message: "the user must authorize `gmail`",
    details: [{ note: "hunter2" }],
    connections: [{ connection_name: "gmail", authentication_link: "https://x.example/hunter2" }],
  };
  const error = await thrown(() => settled({}, { error: JSON.stringify(facts) }));
  assert.equal(error.connections[0].authenticationLink, "https://x.example/hunter2");
  assert.equal(error.connections[0].connectionName, "gmail");
  assert.deepEqual(error.details, [{ note: "hunter2" }]);
  const texts = [String(error), error.stack, inspect(error, { depth: 9 }), inspect(error.connections), JSON.stringify(error), JSON.stringify(error.connections)];
  for (const text of texts) assert.ok(!text.includes("hunter2"), text);
  assert.equal(JSON.parse(JSON.stringify(error)).code, "authorization_required");
});

test("calls reject and never throw", async () => {
  const client = new sdk.ScalekitClient(api.options);
  const methods = [client.actions, client.actions.mcp].flatMap((actions) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(actions)).map((name) => ({ actions, name })),
  );
  const calls = methods.filter(({ name }) => !["constructor", "iterConfigs"].includes(name));
  assert.ok(calls.length > 25);
  for (const { actions, name } of calls) {
    const promise = actions[name](Symbol("no parameters"), 5);
    assert.equal((await thrown(() => promise)).constructor, sdk.ScalekitValidationError, name);
  }
  const items = client.actions.mcp.iterConfigs({ pageSize: 1 });
  assert.equal((await thrown(() => items.next())).code, "unknown_argument");
});
