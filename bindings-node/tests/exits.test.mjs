// How processes end, in every runtime: by themselves, with nothing said and code 0.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { after, before, test } from "node:test";

import { config, startFakeApi } from "./fake-api.mjs";
import { startHoldingApi } from "./holding-api.mjs";
import { ended, run } from "./processes.mjs";
import { startVectorServer } from "./vector-server.mjs";
import { shown, STATES } from "./exits/expected.mjs";
import { isThere, RUNTIMES } from "./runtimes.mjs";

/** Says `held` with each request that gets no answer by itself. */
const arrivals = new EventEmitter();
let api;
let holding;
let vectors;
before(async () => {
  holding = await startHoldingApi();
  api = await startFakeApi((request, response) => {
    if (request.url.endsWith("/hold") || !request.url.includes("cfg_1")) arrivals.emit("held", response);
    else config(response);
  });
  vectors = await startVectorServer();
});
after(async () => {
  await api.stop();
  await holding.stop();
  await vectors.stop();
});

for (const runtime of RUNTIMES) {
  test(`${runtime.name} is installed`, () => assert.ok(isThere(runtime), `${runtime.program} is missing; \`make test-packages\` installs it`));

  test(`${runtime.name}: an idle client lets the process end`, async () => {
    assert.deepEqual(await run(runtime, "exits/idle.mjs", api), ended("cfg_1\n"));
  });

  test(`${runtime.name}: a pending call ends before the process does`, async () => {
    // Answered only when the script is over and the request is there, whichever comes last.
    const over = resolvers();
    const arrived = once(arrivals, "held");
    const ending = run(runtime, "exits/pending.mjs", api, { said: (text) => text.includes("end of the script") && over.resolve() });
    await over.promise;
    const [response] = await arrived;
    config(response, "cfg_held");
    assert.deepEqual(await ending, ended("end of the script\ncfg_held\n"));
  });

  for (const state of Object.keys(STATES)) {
    test(`${runtime.name}: ${state} in the middle of calls`, async () => {
      assert.deepEqual(shown(await run(runtime, "exits/states.mjs", holding, { args: [state] })), STATES[state]);
    });
  }

  test(`${runtime.name}: an engine left running lets the process end`, async () => {
    assert.deepEqual(await run(runtime, "exits/engine.mjs", api), ended("left-open\n"));
  });

  test(`${runtime.name}: forty workers, half of them terminated in the middle of a call`, async () => {
    assert.deepEqual(await run(runtime, "exits/worker.mjs", holding, { args: ["40"] }), ended("40 workers ended\n"));
  });

  test(`${runtime.name}: calls that are aborted, and calls on one signal, leave no listener`, async () => {
    assert.deepEqual(await run(runtime, "exits/aborts.mjs", holding, { args: ["1000"] }), ended("1000 calls, no listener\n"));
  });

  // In this one `vectors.test.mjs` plays them.
  if (runtime === RUNTIMES[0]) continue;
  test(`${runtime.name}: every vector`, async () => {
    const { code, stdout, stderr } = await run(runtime, "play-vectors.mjs", api, { args: [vectors.baseUrl] });
    assert.deepEqual([code, stderr], [0, ""]);
    const { played, failed } = JSON.parse(stdout);
    assert.deepEqual(failed, []);
    assert.ok(played > 0);
  });
}

test("deno: an engine and a client need no permission beyond those that docs/node.md names", async () => {
  const deno = RUNTIMES.find(({ name }) => name === "deno");
  const permitted = { ...deno, before: ["run", "--allow-ffi", "--allow-env", "--allow-read", "--no-prompt"] };
  assert.deepEqual(await run(permitted, "exits/idle.mjs", api), ended("cfg_1\n"));
  assert.deepEqual(await run(permitted, "exits/engine.mjs", api), ended("left-open\n"));
});

function resolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
