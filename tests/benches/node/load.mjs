// One kind of client that mints session tokens as fast as it can, 64 at a time: `load.mjs KIND URL CA_FILE CALLS`.
//
// Prints calls per second, microseconds of its own CPU per call, and how long its event loop was kept waiting, as JSON.
// `tests/bench_node.py` runs and compares the kinds; each reads the same answer to the same values.

import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

import { accessToken, FETCH, mintWith } from "./by-hand.mjs";

const IN_FLIGHT = 64;
const [kind, url, caFile, calls] = process.argv.slice(2);

async function ours() {
  const { ScalekitClient } = await import("scalekit-vmcp");
  const { mcp } = new ScalekitClient({ envUrl: url, clientId: "skc_bench", clientSecret: "bench-secret", caFile }).actions;
  return () => mcp.createSessionToken({ configId: "cfg_1", identifier: "user_123", expirySeconds: 3600 });
}

async function withFetch() {
  const access = await accessToken(FETCH, url);
  return () => mintWith(FETCH, url, access);
}

async function withUndici() {
  const { Pool } = await import("undici");
  const pool = new Pool(url, { connections: IN_FLIGHT, headersTimeout: 20_000, bodyTimeout: 20_000, connect: { ca: readFileSync(caFile), timeout: 10_000 } });
  const send = async (_, path, headers, body) => {
    const answer = await pool.request({ method: "POST", path, headers, body });
    if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`);
    return answer.body.json();
  };
  const access = await accessToken(send, url);
  return () => mintWith(send, url, access);
}

async function work(count, mint) {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      const { token, expiresAt } = await mint();
      if (token.length !== 700 || expiresAt.getUTCFullYear() !== 2026) throw new Error("another answer");
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

/** A tenth warms up; then the clock runs. */
async function measured(count, mint) {
  await work(count / 10, mint);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const begun = performance.now();
  const before = process.cpuUsage();
  await work(count, mint);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - begun) / 1000;
  delay.disable();
  return { calls_per_s: count / seconds, cpu_us: (user + system) / count, delay_p99_ms: delay.percentile(99) / 1e6 };
}

/** Resident KiB after each tenth of the calls, without garbage: `--expose-gc`. */
async function memory(count, mint) {
  const resident = [];
  for (let tenth = 0; tenth < 10; tenth += 1) {
    await work(count / 10, mint);
    globalThis.gc();
    resident.push(Math.round(process.memoryUsage.rss() / 1024));
  }
  return { resident_kib: resident };
}

const KINDS = {
  ours: async (count) => measured(count, await ours()),
  fetch: async (count) => measured(count, await withFetch()),
  "undici-pool": async (count) => measured(count, await withUndici()),
  memory: async (count) => memory(count, await ours()),
};
console.log(JSON.stringify(await KINDS[kind](Number(calls))));
process.exit(0);
