// As many calls as the first argument says, on one signal that is never aborted and on signals that are: whatever
// happens to a call, no listener stays behind, and it rejects with the signal's own reason.

import { ScalekitClient } from "scalekit-vmcp";

const TIMES = Number(process.argv[2]);
const client = new ScalekitClient();
const { mcp } = client.actions;

/** A signal that knows its listeners, in any runtime. */
function counting() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set();
  signal.addEventListener = (type, listener, options) => {
    listeners.add(listener);
    AbortSignal.prototype.addEventListener.call(signal, type, listener, options);
  };
  signal.removeEventListener = (type, listener, options) => {
    listeners.delete(listener);
    AbortSignal.prototype.removeEventListener.call(signal, type, listener, options);
  };
  return { controller, signal, listeners };
}

/** A number that goes to 0 and 1 and is the same in every run. */
let state = 7;
const chance = () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;

const calm = counting();
let most = 0;
let done = 0;
for (; done < TIMES / 2; done += 50) {
  const calls = Array.from({ length: 50 }, () => mcp.getConfig({ configId: "cfg_1" }, { signal: calm.signal }));
  most = Math.max(most, calm.listeners.size);
  for (const { id } of await Promise.all(calls)) if (id !== "cfg_1") throw new Error(`got ${id}`);
}
if (most !== 1) throw new Error(`${most} listeners while 50 calls were under way`);
for (let round = 0; done < TIMES; done += 50, round += 1) {
  const { controller, signal, listeners } = counting();
  const calls = Array.from({ length: 10 }, () => [
    mcp.getConfig({ configId: "cfg_2" }, { signal }),
    mcp.openSession({ configId: "cfg_2", identifier: "u" }, { signal }),
    mcp.iterConfigs({}, { signal }).next(),
    mcp.waitUntilActive({ configId: "cfg_2", identifier: "u" }, { signal }).then(),
    mcp.waitUntilActive({ configId: "cfg_2", identifier: "u" }, { signal })[Symbol.asyncIterator]().next(),
  ]).flat();
  const settled = Promise.allSettled(calls);
  // Every other time they are aborted wherever they are.
  if (round % 2 === 0) await fetch(new URL(`/test/held/cfg_2/40`, client.envUrl));
  else if (chance() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  const reason = new Error("enough");
  controller.abort(reason);
  for (const { status, reason: found } of await settled) {
    if (status !== "rejected" || found !== reason) throw new Error(`${status}: ${found}`);
  }
  if (listeners.size > 0) throw new Error(`${listeners.size} listeners are left on a signal that was aborted`);
  await fetch(new URL(`/test/empty`, client.envUrl));
}
if (calm.listeners.size > 0) throw new Error(`${calm.listeners.size} listeners are left`);
console.log(`${done} calls, no listener`);
