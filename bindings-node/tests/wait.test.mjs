// `waitUntilActive`: iterated or awaited, and how it ends.

import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { after, before, beforeEach, test } from "node:test";
import { inspect } from "node:util";

import { AccountWait, ScalekitClient, ScalekitNotFoundError, ScalekitValidationError } from "scalekit-vmcp";

import { authorize, startEngine } from "../build/tests/engine.mjs";
import { startFakeApi } from "./fake-api.mjs";

const target = { configId: "cfg_1", identifier: "user_123" };
const link = "https://env.example/connect/hunter2";
const none = [{ connection_name: "gmail" }];
const pending = [{ connection_name: "gmail", connected_account_status: "PENDING_AUTH", authentication_link: link }];
const active = [{ connection_name: "gmail", connected_account_status: "ACTIVE" }];

let api;
let client;
let mcp;
/** What the next looks at the accounts find; a function gets the request and never answers. */
let looks;
before(async () => {
  api = await startFakeApi((request, response) => {
    const found = looks.shift();
    if (typeof found === "function") found(request);
    else if (found === undefined) response.writeHead(404).end("{}");
    else response.end(JSON.stringify({ connected_accounts: found }));
  });
  client = new ScalekitClient(api.options);
  mcp = client.actions.mcp;
});
beforeEach(() => {
  api.asked.length = 0;
  looks = [];
});
after(() => api.stop());

/** A look that gets no answer: resolves with its request once it is there. */
function hangingLook() {
  return new Promise((resolve) => looks.push(resolve));
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

test("nothing is sent and nothing is checked before it is iterated or awaited", async () => {
  const wait = mcp.waitUntilActive(target);
  assert.ok(wait instanceof AccountWait);
  wait[Symbol.asyncIterator]();
  mcp.waitUntilActive({ configId: 5 });
  await assert.rejects(mcp.getConfig({ configId: "cfg_1" }));
  assert.equal(api.asked.length, 1);
});

test("iterated, it reports each change and ends when all are active", async () => {
  looks = [none, active];
  const changes = await all(mcp.waitUntilActive(target));
  assert.deepEqual(changes, [{ connectionName: "gmail", status: "ACTIVE", needsVerification: false }]);
  assert.deepEqual(api.asked, Array(2).fill("POST /api/v1/mcp/configs/cfg_1/connected_accounts"));
});

test("awaited, it answers with the final states, and is one wait however often it is awaited", async () => {
  looks = [active];
  const wait = mcp.waitUntilActive(target);
  const states = await wait;
  assert.deepEqual(states, [{ connectionName: "gmail", connectedAccountStatus: "ACTIVE" }]);
  let ended = 0;
  const others = [wait, wait.then(), wait.catch(() => assert.fail()), wait.finally(() => (ended += 1)), Promise.resolve(wait)];
  for (const other of await Promise.all(others)) assert.equal(other, states);
  assert.equal(ended, 1);
  assert.equal(await wait.then((found) => found.length), 1);
  assert.equal(api.asked.length, 1);
});

test("each iteration is a wait of its own", async () => {
  looks = [active, active];
  const wait = mcp.waitUntilActive(target);
  assert.deepEqual([await all(wait), await all(wait)], [[], []]);
  assert.equal(api.asked.length, 2);
});

test("what fails is told to everyone who waits, with the line of the call", async () => {
  async function callerOfTheSdk() {
    const wait = mcp.waitUntilActive(target);
    let ended = 0;
    const told = await wait.catch((error) => error);
    await assert.rejects(wait.finally(() => (ended += 1)), (error) => error === told);
    await assert.rejects(wait, ScalekitNotFoundError);
    await assert.rejects(all(wait), ScalekitNotFoundError);
    return [told, ended];
  }
  const [error, ended] = await callerOfTheSdk();
  assert.equal(ended, 1);
  assert.match(error.stack, /callerOfTheSdk .*wait\.test\.mjs/);
  assert.equal(api.asked.length, 2);
});

test("leaving the loop ends the wait", async () => {
  looks = [none, pending];
  const changes = mcp.waitUntilActive(target)[Symbol.asyncIterator]();
  for await (const change of changes) {
    assert.equal(change.authenticationLink, link);
    break;
  }
  assert.deepEqual(await changes.next(), { done: true, value: undefined });
  assert.equal(api.asked.length, 2);
});

test("ending an iterator ends the request that is under way", async () => {
  const asked = hangingLook();
  const changes = mcp.waitUntilActive(target)[Symbol.asyncIterator]();
  const next = changes.next();
  const gone = once((await asked).socket, "close");
  assert.deepEqual(await changes.return(), { done: true, value: undefined });
  assert.deepEqual(await next, { done: true, value: undefined });
  await gone;
});

test("a signal ends a look that is under way, awaited or iterated", async () => {
  for (const start of [(wait) => wait.then(), (wait) => all(wait)]) {
    const asked = hangingLook();
    const controller = new AbortController();
    const reason = new Error("the user left");
    const waiting = start(mcp.waitUntilActive(target, { signal: controller.signal }));
    const gone = once((await asked).socket, "close");
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await gone;
    assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
  }
});

test("a signal ends a wait between two looks, and nothing more is sent", async () => {
  looks = [none, pending];
  const controller = new AbortController();
  const reason = new Error("the user left");
  const changes = mcp.waitUntilActive(target, { signal: controller.signal })[Symbol.asyncIterator]();
  await changes.next();
  const next = changes.next();
  controller.abort(reason);
  await assert.rejects(next, (error) => error === reason);
  assert.deepEqual(await changes.next(), { done: true, value: undefined });
  // A wait that starts now looks for the third time after the first one would have.
  looks = [none, pending, active];
  assert.equal((await mcp.waitUntilActive(target)).length, 1);
  assert.equal(api.asked.length, 5);
});

test("a signal that is aborted already sends nothing", async () => {
  const wait = mcp.waitUntilActive(target, { signal: AbortSignal.abort("too late") });
  await assert.rejects(wait, (error) => error === "too late");
  await assert.rejects(all(wait), (error) => error === "too late");
  assert.deepEqual(api.asked, []);
});

test("its own time and that of each look keep their names", async () => {
  const cases = [
    [{ timeoutSeconds: 0 }, {}, "timeout_invalid", "timeoutSeconds", "`timeoutSeconds`"],
    [{ timeoutSeconds: 0 }, { timeoutMs: 5000 }, "timeout_invalid", "timeoutSeconds", "`timeoutSeconds`"],
    [{ timeoutSeconds: 5 }, { timeoutMs: 0 }, "timeout_invalid", "timeoutMs", "`timeoutMs`"],
    [{ timeoutSeconds: "5" }, {}, "argument_type", "timeoutSeconds", "`timeoutSeconds`"],
    [{ timeoutMs: 5 }, {}, "unknown_argument", "timeoutMs", "did you mean `timeoutSeconds`?"],
    [{ timeout_seconds: 5 }, {}, "unknown_argument", "timeout_seconds", "did you mean `timeoutSeconds`?"],
    [{}, { timeoutSeconds: 5 }, "unknown_argument", "timeoutSeconds", "did you mean `timeoutMs`?"],
  ];
  for (const [parameters, options, code, argument, words] of cases) {
    const wait = mcp.waitUntilActive({ ...target, ...parameters }, options);
    for (const start of [() => wait, () => all(wait)]) {
      await assert.rejects(start, (error) => {
        assert.deepEqual([error.constructor, error.code, error.argument], [ScalekitValidationError, code, argument]);
        assert.ok(error.message.includes(words), error.message);
        return true;
      });
    }
  }
  assert.deepEqual(api.asked, []);
});

test("neither a wait nor a change shows its link", async () => {
  looks = [none, pending];
  const wait = mcp.waitUntilActive(target);
  for await (const change of wait) {
    for (const value of [wait, change]) {
      for (const text of [inspect(value, { depth: 9 }), JSON.stringify(value), String(value)]) assert.ok(!text.includes("hunter2"), text);
    }
    assert.equal(change.status, "PENDING_AUTH");
    break;
  }
  assert.equal(inspect(wait), "AccountWait {}");
});

test("a user who follows the link is waited for", async () => {
  const engine = await startEngine();
  const own = engine.client();
  const config = await own.actions.mcp.createConfig({ name: "mail", connectionToolMappings: [{ connectionName: "gmail" }, { connectionName: "googlecalendar" }] });
  const told = [];
  for await (const { connectionName, status, authenticationLink } of own.actions.mcp.waitUntilActive({ configId: config.id, identifier: "alice" })) {
    told.push([connectionName, status]);
    if (authenticationLink !== undefined) assert.equal(await authorize(authenticationLink), 200);
  }
  assert.deepEqual(told.filter(([name]) => name === "gmail"), [["gmail", "PENDING_AUTH"], ["gmail", "ACTIVE"]]);
  assert.equal((await own.actions.mcp.openSession({ config, identifier: "alice" })).identifier, "alice");
  await own.close();
  await engine.close();
});
