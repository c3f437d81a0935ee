// `AbortSignal`: whose it stays, what it stops, and what it leaves behind.

import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { after, afterEach, before, test } from "node:test";

import { ScalekitClient } from "scalekit-vmcp";

import { config, startFakeApi } from "./fake-api.mjs";

let api;
let client;
let answer = (_, response) => config(response);
before(async () => {
  api = await startFakeApi((request, response) => answer(request, response));
  client = new ScalekitClient(api.options);
});
afterEach(() => {
  api.asked.length = 0;
  answer = (_, response) => config(response);
});
after(() => api.stop());

const get = (signal) => client.actions.mcp.getConfig({ configId: "cfg_1" }, { signal });

/** The next request that is never answered: resolves with it once it is there. */
function hangingRequest() {
  return new Promise((resolve) => {
    answer = (request) => resolve(request);
  });
}

test("a call that is aborted rejects with the reason, and the server sees the request go", async () => {
  const asked = hangingRequest();
  const controller = new AbortController();
  const reason = new Error("the user left");
  const call = get(controller.signal);
  const request = await asked;
  const gone = once(request.socket, "close");
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await gone;
});

test("an aborted signal sends nothing", async () => {
  const reason = new Error("too late");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(get(signal), (error) => error === reason);
  await assert.rejects(client.actions.mcp.openSession({ configId: "cfg_1", identifier: "u" }, { signal }), (error) => error === reason);
  await assert.rejects(client.actions.mcp.iterConfigs({}, { signal }).next(), (error) => error === reason);
  assert.deepEqual(api.asked, []);
});

test("the reason may be anything, and the default is an AbortError", async () => {
  await assert.rejects(get(AbortSignal.abort("a text")), (error) => error === "a text");
  await assert.rejects(get(AbortSignal.abort()), { name: "AbortError" });
});

test("AbortSignal.timeout and AbortSignal.any work", async () => {
  hangingRequest();
  await assert.rejects(get(AbortSignal.timeout(20)), { name: "TimeoutError" });
  hangingRequest();
  await assert.rejects(get(AbortSignal.any([new AbortController().signal, AbortSignal.timeout(20)])), { name: "TimeoutError" });
});

test("the user's `onabort` still fires", async () => {
  const asked = hangingRequest();
  const controller = new AbortController();
  let fired = 0;
  const mine = () => (fired += 1);
  controller.signal.onabort = mine;
  const call = get(controller.signal);
  await asked;
  assert.equal(controller.signal.onabort, mine);
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.equal(fired, 1);
});

test("a thousand calls on one signal have one listener between them, and leave none", async () => {
  const { signal } = new AbortController();
  const warned = [];
  const warn = (warning) => warned.push(warning.name);
  process.on("warning", warn);
  for (let round = 0; round < 20; round += 1) {
    const calls = Array.from({ length: 50 }, () => get(signal));
    assert.equal(getEventListeners(signal, "abort").length, 1);
    await Promise.all(calls);
  }
  process.off("warning", warn);
  assert.deepEqual(warned, []);
  assert.equal(api.asked.length, 1000);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("an aborted call leaves no listener, and the client works on", async () => {
  const asked = hangingRequest();
  const controller = new AbortController();
  const call = get(controller.signal);
  await asked;
  controller.abort();
  await assert.rejects(call);
  assert.deepEqual(getEventListeners(controller.signal, "abort"), []);
  answer = (_, response) => config(response, "cfg_2");
  assert.equal((await get(undefined)).id, "cfg_2");
});

test("opening a session and following a list can be aborted", async () => {
  for (const start of [
    (signal) => client.actions.mcp.openSession({ configId: "cfg_1", identifier: "u" }, { signal }),
    (signal) => client.actions.mcp.iterConfigs({}, { signal }).next(),
  ]) {
    const asked = hangingRequest();
    const controller = new AbortController();
    const call = start(controller.signal);
    const gone = once((await asked).socket, "close");
    controller.abort(new Error("stop"));
    await assert.rejects(call, { message: "stop" });
    await gone;
  }
});

test("what is no signal is refused before anything is sent", async () => {
  for (const signal of [{}, { aborted: false }, "now", 1]) {
    await assert.rejects(get(signal), { code: "argument_type", argument: "signal" });
  }
  assert.deepEqual(api.asked, []);
});
