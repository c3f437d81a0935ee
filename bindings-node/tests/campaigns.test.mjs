// The same again and again, in every runtime: ends of processes, workers, aborts, calls.
//
// Of calls some in `make test`; the rest is in the tests of exits there. All of it, very often, in `make soak`, which
// sets `VMCP_SOAK`. A process that hangs, aborts, says something,
// or ends otherwise than it must is told with the state it was in.

import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { LocalEngine } from "scalekit-vmcp/engine";

import { shown, STATES } from "./exits/expected.mjs";
import { startHoldingApi } from "./holding-api.mjs";
import { ended, run } from "./processes.mjs";
import { RUNTIMES } from "./runtimes.mjs";

const FULL = process.env.VMCP_SOAK === "1";
const MB = 2 ** 20;

/** How often. */
const size = (smoke, full) => (FULL ? full : smoke);

const campaign = FULL ? test : () => {};

/** So many pairs of a runtime and one of `things`, by turns. */
function pairs(things, count) {
  const all = things.flatMap((thing) => RUNTIMES.map((runtime) => ({ runtime, thing })));
  return Array.from({ length: count }, (_, index) => all[index % all.length]);
}

/** Does the jobs, as many at once as there are processors; each has an API of its own, and none may have a complaint. */
async function inParallel(about, jobs, one) {
  const todo = [...jobs];
  const wrong = [];
  let done = 0;
  const worker = async () => {
    for (let job = todo.shift(); job !== undefined; job = todo.shift()) {
      const api = await startHoldingApi();
      try {
        await one(job, api);
      } catch (error) {
        wrong.push(`${job.runtime.name}, ${job.thing}: ${error.message}`);
      }
      await api.stop();
      done += 1;
      if (done % 100 === 0 || done === jobs.length) console.log(`${done} of ${jobs.length} ${about}, ${wrong.length} wrong`);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  assert.deepEqual(wrong, []);
}

campaign("ends of processes", async () => {
  await inParallel("ends of processes", pairs(Object.keys(STATES), 1000), async ({ runtime, thing }, api) => {
    assert.deepEqual(shown(await run(runtime, "exits/states.mjs", api, { args: [thing] })), STATES[thing]);
  });
});

campaign("workers", async () => {
  await inParallel("groups of forty workers", pairs(["40"], 50), async ({ runtime, thing }, api) => {
    assert.deepEqual(await run(runtime, "exits/worker.mjs", api, { args: [thing] }), ended(`${thing} workers ended\n`));
  });
});

campaign("aborts", async () => {
  await inParallel("processes of 20,000 calls, half of them aborted", pairs(["20000"], RUNTIMES.length), async ({ runtime, thing }, api) => {
    assert.deepEqual(await run(runtime, "exits/aborts.mjs", api, { args: [thing] }), ended(`${thing} calls, no listener\n`));
  });
});

test("calls of every kind", { skip: process.platform !== "linux" && "threads, files and memory are counted in /proc" }, async () => {
  const times = size(2_000, 100_000);
  const configFolder = fileURLToPath(new URL("engine", import.meta.url));
  const engine = await LocalEngine.start({ configToml: `[connections.gmail]\nsandbox = "gmail.json"\nauth = "none"\n`, configFolder });
  const env = { SCALEKIT_CLIENT_ID: engine.clientId, SCALEKIT_CLIENT_SECRET: engine.clientSecret };
  const { code, stdout, stderr } = await run(RUNTIMES[0], "exits/calls.mjs", engine, { args: [String(times)], env, hangMs: 900_000 });
  await engine.close();
  assert.deepEqual([code, stderr], [0, ""]);
  const { sizes, threads, files } = JSON.parse(stdout);
  console.log(`${times} calls; MB resident after each tenth: ${sizes.map((bytes) => (bytes / MB).toFixed(1)).join(", ")}; ${threads} threads, ${files} files`);
  assert.equal(sizes.length, 10);
  assert.ok(threads <= 30 && files <= 100, `${threads} threads, ${files} files`);
  // Allocators take their time to be warm, and have ups and downs: the least of the last calls over the least of those
  // in the middle.
  const least = (from, to) => Math.min(...sizes.slice(from, to));
  assert.ok(least(7, 10) - least(3, 6) < 5 * MB, sizes.join());
});
