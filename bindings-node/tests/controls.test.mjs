// The engine under the control of a test.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import {
  ScalekitClient,
  ScalekitCancelledError,
  ScalekitConflictError,
  ScalekitConnectionError,
  ScalekitNotFoundError,
  ScalekitServiceUnavailableError,
  ScalekitTimeoutError,
  ScalekitUnknownError,
  ScalekitValidationError,
} from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";

import { startEngine } from "../build/tests/engine.mjs";

const CONFIGS = "/api/v1/mcp/configs";
let engine;
let client;
let mcp;
before(async () => {
  engine = await startEngine();
  client = engine.client({ maxRetries: 0 });
  mcp = client.actions.mcp;
});
afterEach(() => engine.reset());
after(async () => {
  await client.close();
  await engine.close();
});

const seed = {
  configs: [{ name: "agent", description: "of a test", connectionToolMappings: [{ connectionName: "gmail" }] }],
  accounts: [
    { connectionName: "gmail", identifier: "alice", credential: "a-key" },
    { connectionName: "gmail", identifier: "bob", status: "DISCONNECTED" },
    { connectionName: "gmail", identifier: "carol" },
  ],
};

test("what is seeded is there, whole or not at all", async () => {
  await engine.seed(seed);
  const { configs } = await mcp.listConfigs();
  assert.deepEqual(configs.map(({ name, description }) => [name, description]), [["agent", "of a test"]]);
  const { connectedAccounts } = await client.actions.listConnectedAccounts();
  const statuses = Object.fromEntries(connectedAccounts.map(({ identifier, status }) => [identifier, status]));
  assert.deepEqual(statuses, { alice: "ACTIVE", bob: "DISCONNECTED", carol: "PENDING_AUTH" });
  await assert.rejects(engine.seed(seed), { constructor: ScalekitValidationError, code: "control_invalid", argument: "configs[0].name", message: /already/ });
  const half = { configs: [{ name: "new" }], accounts: [{ connectionName: "gmial", identifier: "a" }] };
  await assert.rejects(engine.seed(half), { argument: "accounts[0].connectionName", message: /`accounts\[0\]\.connectionName`.*did you mean `gmail`/ });
  assert.equal((await mcp.listConfigs()).configs.length, 1);
});

test("the clock is read and set right", async () => {
  await engine.freezeClock();
  const first = await engine.now();
  assert.ok(first instanceof Date);
  assert.deepEqual(await engine.now(), first);
  await engine.advanceClock(86_400.5);
  assert.equal((await engine.now()) - first, 86_400_500);
  await engine.resetClock();
  assert.ok((await engine.now()) - first < 3_600_000);
});

test("users are steered without a browser", async () => {
  await engine.seed(seed);
  const [{ id: configId }] = (await mcp.listConfigs()).configs;
  await engine.freezeClock();
  const states = async (identifier, includeAuthLink = false) => mcp.listMcpConnectedAccounts({ configId, identifier, includeAuthLink });
  const status = async (identifier) => (await states(identifier))[0].connectedAccountStatus;
  await engine.setAccountStatus({ connectionName: "gmail", identifier: "alice", status: "EXPIRED" });
  assert.equal(await status("alice"), "EXPIRED");
  const [{ authenticationLink }] = await states("alice", true);
  await states("carol", true);
  const links = Object.fromEntries((await engine.authLinks()).map((link) => [link.identifier, link]));
  const { alice, carol } = links;
  assert.deepEqual([alice.state, alice.connectionName, carol.state], ["open", "gmail", "open"]);
  assert.equal(alice.expiresAt - (await engine.now()), 60_000);
  assert.ok(!inspect(links).includes(authenticationLink.split("/").at(-1)));
  assert.deepEqual(await engine.completeAuthLink({ linkId: alice.id, credential: "another" }), { status: "ACTIVE" });
  assert.equal(await status("alice"), "ACTIVE");
  await engine.denyAuthLink({ linkId: carol.id });
  await assert.rejects(engine.denyAuthLink({ linkId: carol.id }), { constructor: ScalekitConflictError, code: "control_refused", message: /is denied, not open/ });
  const ended = (await engine.authLinks()).map(({ identifier, state }) => `${identifier} ${state}`);
  assert.deepEqual(ended.sort(), ["alice used", "carol denied"]);
  await assert.rejects(engine.completeAuthLink({ linkId: "link_1", credential: "a" }), { constructor: ScalekitNotFoundError, argument: "linkId" });
  await assert.rejects(engine.setAccountStatus({ connectionName: "gmail", identifier: "zoe", status: "ACTIVE" }), {
    constructor: ScalekitNotFoundError,
    code: "control_target_unknown",
    message: /user `zoe` has no connected account/,
  });
});

test("a link that wants its user verified says where, and does not show it", async () => {
  const { link } = await client.actions.getAuthorizationLink({ connectionName: "gmail", identifier: "alice", userVerifyUrl: "https://app.example/verify", state: "s" });
  assert.ok(link);
  const [{ id: linkId }] = await engine.authLinks();
  const done = await engine.completeAuthLink({ linkId, credential: "a-key" });
  assert.equal(done.status, "PENDING_VERIFICATION");
  const authRequestId = new URL(done.verifyUrl).searchParams.get("auth_request_id");
  assert.ok(!inspect(done).includes(authRequestId) && !JSON.stringify(done).includes(authRequestId));
  await client.actions.verifyConnectedAccountUser({ authRequestId, identifier: "alice" });
  assert.equal((await client.actions.listConnectedAccounts()).connectedAccounts[0].status, "ACTIVE");
});

test("faults strike and are counted", async () => {
  await mcp.listConfigs();
  assert.equal(await engine.addFault({ path: CONFIGS, method: "GET", status: 503, retryAfterSeconds: 1, nth: 2 }), 1);
  await mcp.listConfigs();
  await assert.rejects(mcp.listConfigs(), { constructor: ScalekitServiceUnavailableError, retryAfterMs: 1000 });
  await mcp.listConfigs();
  const fault = { path: CONFIGS, method: "GET", nth: 2, status: 503, retryAfterSeconds: 1 };
  assert.deepEqual(await engine.faults(), [{ id: 1, fault, matched: 3, fired: 1 }]);
  for (const [effect, constructor] of [["drop", ScalekitConnectionError], ["garbage", ScalekitUnknownError]]) {
    await engine.clearFaults();
    await engine.addFault({ path: "/api/*", [effect]: true });
    await assert.rejects(mcp.listConfigs(), { constructor });
  }
  await engine.clearFaults();
  await engine.addFault({ path: CONFIGS, latencyMs: 1 });
  await mcp.listConfigs();
});

test("the journal tells what was asked", async () => {
  const { seq } = (await engine.journal()).at(-1) ?? { seq: 0 };
  await mcp.listConfigs({ search: "needle" });
  const [record, ...others] = await engine.journal({ pathPrefix: CONFIGS, since: seq });
  assert.deepEqual(others, []);
  assert.deepEqual([record.kind, record.method, record.path, record.status, record.clientId], ["http", "GET", CONFIGS, 200, engine.clientId]);
  assert.ok(record.at instanceof Date && record.durationMs > 0 && record.requestId.startsWith("req_"));
  assert.ok(!inspect(await engine.journal()).includes("needle"));
  assert.deepEqual(await engine.journal({ kind: "mcp", tool: "x", connectionName: "gmail", identifier: "alice", method: "tools/call" }), []);
  await engine.reset();
  assert.deepEqual(await engine.journal(), []);
});

test("an account is diagnosed and a call audited", async () => {
  await engine.reset();
  await engine.seed({
    configs: [{ name: "agent", connectionToolMappings: [{ connectionName: "gmail" }] }],
    accounts: [{ connectionName: "gmail", identifier: "alice", credential: "a-key" }],
  });
  const [diagnosis, ...others] = await engine.diagnostics({ identifier: "alice" });
  assert.deepEqual(others, []);
  const { connectionName, accountStatus, leftOut, toolCount, lastError } = diagnosis;
  assert.deepEqual([connectionName, accountStatus, leftOut, toolCount, lastError], ["gmail", "ACTIVE", [], undefined, undefined]);
  await assert.rejects(engine.diagnostics({ configId: "cfg_1" }), { name: "ScalekitNotFoundError", argument: "configId" });

  const { configs } = await mcp.listConfigs();
  const [{ id, mcpServerUrl }] = configs;
  const { token } = await mcp.createSessionToken({ configId: id, identifier: "alice" });
  const answer = await fetch(mcpServerUrl, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "x", arguments: { a: "hunter2" } } }),
  });
  assert.match(await answer.text(), /Unknown tool: x/);
  const [record, ...more] = await engine.audit();
  assert.deepEqual(more, []);
  const { tool, decision, reason, outcome, identifier, configId, requestId } = record;
  assert.deepEqual([tool, decision, reason, outcome, identifier], ["x", "refused", "unknown_tool", "refused", "alice"]);
  assert.deepEqual([configId, requestId], [id, answer.headers.get("x-request-id")]);
  assert.ok(record.at instanceof Date && record.engineUs > 0 && !inspect(record).includes("hunter2"));
  assert.deepEqual(await engine.audit({ since: record.seq }), []);
  await engine.reset();
  assert.deepEqual(await engine.audit(), []);
});

test("a wait ends with the requests, with its time, with its signal and with the engine", async () => {
  const waits = [1, 3].map((count) => engine.waitFor({ pathPrefix: CONFIGS, count }));
  for (let n = 0; n < 3; n += 1) await mcp.listConfigs();
  const [one, three] = await Promise.all(waits);
  assert.ok(one.length >= 1);
  assert.equal(three.length, 3);
  await assert.rejects(engine.waitFor({ pathPrefix: CONFIGS, count: 4, timeoutSeconds: 0.001 }), {
    constructor: ScalekitTimeoutError,
    code: "journal_timeout",
    message: /3 came/,
  });
  const aborter = new AbortController();
  const aborted = engine.waitFor({ count: 99 }, { signal: aborter.signal });
  aborter.abort(new Error("enough"));
  await assert.rejects(aborted, /enough/);
  const own = await LocalEngine.start();
  const left = own.waitFor();
  const refused = assert.rejects(left, { constructor: ScalekitCancelledError, code: "engine_closed" });
  await own.close();
  await refused;
});

test("seeded ids come again", async () => {
  const own = await LocalEngine.start({ seedIds: 7 });
  const mine = own.client({ maxRetries: 0 });
  await mine.actions.mcp.listConfigs();
  const steps = async () => {
    const { id, mcpServerUrl } = await mine.actions.mcp.createConfig({ name: "a" });
    await own.addFault({ path: CONFIGS, probability: 0.5, status: 500 });
    for (let n = 0; n < 10; n += 1) await mine.actions.mcp.listConfigs().catch(() => {});
    return [id, mcpServerUrl, (await own.journal()).map(({ status, requestId }) => [status, requestId])];
  };
  await own.reset();
  const first = await steps();
  await own.reset();
  assert.deepEqual(await steps(), first);
  await own.reset({ seedIds: 8 });
  assert.notEqual((await steps())[0], first[0]);
  await own.close();
});

/** What is called, how it is wrong, and which argument the error names. */
const BAD = [
  ["reset", { seedIds: -1 }, "seedIds"],
  ["reset", { sedIds: 1 }, "sedIds"],
  ["reset", { seed_ids: 1 }, "seed_ids"],
  ["reset", 5, "parameters"],
  ["seed", null, "parameters"],
  ["seed", { configs: [{ nmae: "a" }] }, "configs[0].nmae"],
  ["seed", { configs: [{ name: 5 }] }, "configs[0].name"],
  ["seed", { configs: ["agent"] }, "configs[0]"],
  ["seed", { configs: [{ name: "a", connectionToolMappings: [{ connectionName: "gmail", tools: [] }] }] }, "configs[0].connectionToolMappings[0].tools"],
  ["seed", { configs: [{ name: "a", connectionToolMappings: [{ connectionName: "gmail", tools: undefined }] }] }, "configs[0].connectionToolMappings[0].tools"],
  ["seed", { accounts: [{ connectionName: "gmail", identifier: "a", credential: "hunter2\n3" }] }, "accounts[0].credential"],
  ["setAccountStatus", { connectionName: "gmail", identifier: "a", status: "active" }, "status"],
  ["completeAuthLink", { linkId: 5, credential: "a" }, "linkId"],
  ["advanceClock", -1, "seconds"],
  ["advanceClock", "5", "seconds"],
  ["addFault", {}, "path"],
  ["addFault", { path: "/a" }, "status"],
  ["addFault", { paht: "/a" }, "paht"],
  ["addFault", { path: "/a", hang: true, probability: 2 }, "probability"],
  ["addFault", { path: "/a", hang: true, nth: -1 }, "nth"],
  ["addFault", { path: "/a", hang: "yes" }, "hang"],
  ["addFault", { path: "/a", latencyMs: -1 }, "latencyMs"],
  ["addFault", { path: "/a", tool: "x", hang: true }, "tool"],
  ["journal", { kind: "grpc" }, "kind"],
  ["journal", { since: -1 }, "since"],
  ["journal", { count: 1 }, "count"],
  ["audit", { decision: "maybe" }, "decision"],
  ["audit", { limit: 10_001 }, "limit"],
  ["diagnostics", { user: "alice" }, "user"],
  ["waitFor", { count: -1 }, "count"],
  ["waitFor", { count: "many" }, "count"],
  ["waitFor", { timeoutSeconds: 601 }, "timeoutSeconds"],
  ["waitFor", null, "parameters"],
];

for (const [index, [method, argument, named]] of BAD.entries()) {
  test(`${method}, badly, ${index}`, async () => {
    await assert.rejects(engine[method](argument), (error) => {
      assert.ok(error instanceof ScalekitValidationError, error);
      assert.equal(error.argument, named, error.message);
      assert.ok(!`${error.stack}`.includes("hunter2"));
      assert.match(error.stack, /controls\.test\.mjs/);
      return true;
    });
  });
}

test("a closed engine is not steered, and the controls are not served over HTTP", async () => {
  assert.equal((await fetch(`${engine.envUrl}/_local/journal`)).status, 404);
  const own = await LocalEngine.start();
  await own.close();
  for (const steer of ["reset", "faults", "journal", "waitFor", "authLinks", "now"]) {
    await assert.rejects(own[steer](), { constructor: ScalekitCancelledError, code: "engine_closed" });
  }
});

test("an engine that only its client knows runs on", async () => {
  const orphan = (await LocalEngine.start()).client({ maxRetries: 0 });
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc");
  for (let round = 0; round < 3; round += 1) {
    collectGarbage();
    await setImmediate();
  }
  assert.deepEqual((await orphan.actions.mcp.listConfigs()).configs, []);
  await orphan.close();
});
