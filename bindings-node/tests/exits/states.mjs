// How a process may end while fifty calls, a list, a wait and a session are under way and get no answer. The first
// argument says how.

import { isMainThread, Worker } from "node:worker_threads";

import { ScalekitClient } from "scalekit-vmcp";

const state = process.argv[2];
const client = new ScalekitClient();
const { mcp } = client.actions;

/** Starts all of it, and waits until the server has it; each call is also the start of a promise that nobody awaits. */
async function underWay(signal, id) {
  const calls = [
    ...Array.from({ length: 50 }, () => mcp.getConfig({ configId: id }, { signal })),
    mcp.openSession({ configId: id, identifier: "u" }, { signal }),
    mcp.waitUntilActive({ configId: id, identifier: "u" }, { signal }).then(),
    mcp.waitUntilActive({ configId: id, identifier: "u" }, { signal })[Symbol.asyncIterator]().next(),
    mcp.iterConfigs({}, { signal }).next(),
  ].map((call) => call.catch((error) => error));
  await fetch(new URL(`/test/held/${id}/53`, client.envUrl));
  await fetch(new URL(`/test/held/list/1`, client.envUrl));
  return calls;
}

if (!isMainThread) {
  await underWay(undefined, "cfg_worker");
} else {
  const { id } = await mcp.getConfig({ configId: "cfg_1" });
  if (state === "process.exit beside an engine") {
    const { LocalEngine } = await import("scalekit-vmcp/engine");
    await (await LocalEngine.start()).client().actions.mcp.listConfigs();
  }
  if (state === "process.exit beside workers") {
    for (let index = 0; index < 2; index += 1) new Worker(new URL(import.meta.url));
    await fetch(new URL(`/test/held/cfg_worker/106`, client.envUrl));
  }
  const controller = new AbortController();
  const calls = await underWay(controller.signal, `cfg_${process.pid}`);
  console.log(id);
  if (state.startsWith("process.exit")) process.exit(state.endsWith("another code") ? 7 : 0);
  if (state === "an error that nobody catches") setImmediate(() => { throw new Error("thrown on purpose"); });
  if (state === "a rejection that nobody handles") Promise.reject(new Error("thrown on purpose"));
  if (state === "a natural end after aborting") {
    const reason = new Error("enough");
    controller.abort(reason);
    if ((await Promise.all(calls)).every((error) => error === reason)) console.log("aborted");
  }
}
