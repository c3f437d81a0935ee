// The table of tests/vectors/errors.json, row by row, and what an error shows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { inspect } from "node:util";

import * as sdk from "scalekit-vmcp";

import { startFakeApi } from "./fake-api.mjs";

const TABLE = JSON.parse(readFileSync(new URL("../../tests/vectors/errors.json", import.meta.url), "utf8"));
const EXPLANATIONS = readFileSync(new URL("../../core/errors.md", import.meta.url), "utf8");
const ROWS = TABLE.flatMap((kind) => kind.codes.map((code) => ({ kind: kind.kind, node: kind.node, ...code })));
const { settled, siteOf } = createRequire(import.meta.url)("../dist/bridge.js");

let api;
let status = 0;
before(async () => {
  api = await startFakeApi((_, response) => {
    response.writeHead(status, { "x-request-id": "req_7", "retry-after": "0" });
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
