// How processes end, in every runtime: by themselves, with nothing said and code 0.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { fileURLToPath } from "node:url";
import { after, before, test } from "node:test";

import { config, startFakeApi } from "./fake-api.mjs";
import { startVectorServer } from "./vector-server.mjs";
import { isThere, RUNTIMES } from "./runtimes.mjs";

/** Longer than any of these takes on a busy machine; a process that hangs is ended then. */
const HANG_MS = 180_000;

/** Says `held` with each request that gets no answer by itself. */
const arrivals = new EventEmitter();
let api;
let vectors;
before(async () => {
  api = await startFakeApi((request, response) => {
    if (request.url.endsWith("/hold") || !request.url.includes("cfg_1")) arrivals.emit("held", response);
    else config(response);
  });
  vectors = await startVectorServer();
});
after(async () => {
  await api.stop();
  await vectors.stop();
});

/** Runs a script to its end. `said` sees its output as it comes. */
function run(runtime, script, { args = [], said = () => {} } = {}) {
  const child = spawn(runtime.program, [...runtime.before, fileURLToPath(new URL(script, import.meta.url)), ...args], {
    env: { ...process.env, SCALEKIT_ENVIRONMENT_URL: api.envUrl, SCALEKIT_CLIENT_ID: "skc_1", SCALEKIT_CLIENT_SECRET: "hunter2", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const hang = setTimeout(() => child.kill("SIGKILL"), HANG_MS);
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      out[name] += text;
      said(out.stdout);
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(hang);
      resolve({ code, signal, ...out });
    });
  });
}

const ended = (stdout) => ({ code: 0, signal: null, stdout, stderr: "" });

for (const runtime of RUNTIMES) {
  test(`${runtime.name} is installed`, () => assert.ok(isThere(runtime), `${runtime.program} is missing; \`make prepare\` installs it`));

  test(`${runtime.name}: an idle client lets the process end`, async () => {
    assert.deepEqual(await run(runtime, "exits/idle.mjs"), ended("cfg_1\n"));
  });

  test(`${runtime.name}: a pending call ends before the process does`, async () => {
    // Answered only when the script is over and the request is there, whichever comes last.
    const over = resolvers();
    const arrived = once(arrivals, "held");
    const ending = run(runtime, "exits/pending.mjs", { said: (text) => text.includes("end of the script") && over.resolve() });
    await over.promise;
    const [response] = await arrived;
    config(response, "cfg_held");
    assert.deepEqual(await ending, ended("end of the script\ncfg_held\n"));
  });

  test(`${runtime.name}: process.exit in the middle of calls`, async () => {
    assert.deepEqual(await run(runtime, "exits/exit.mjs"), ended("cfg_1\n"));
  });

  test(`${runtime.name}: an engine left running lets the process end`, async () => {
    assert.deepEqual(await run(runtime, "exits/engine.mjs"), ended("left-open\n"));
  });

  test(`${runtime.name}: workers that are terminated in the middle of a call`, async () => {
    assert.deepEqual(await run(runtime, "exits/worker.mjs"), ended("cfg_1\n"));
  });

  test(`${runtime.name}: every vector`, async () => {
    const { code, stdout, stderr } = await run(runtime, "play-vectors.mjs", { args: [vectors.baseUrl] });
    assert.deepEqual([code, stderr], [0, ""]);
    const { played, failed } = JSON.parse(stdout);
    assert.deepEqual(failed, []);
    assert.ok(played > 0);
  });
}

function resolvers() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}
