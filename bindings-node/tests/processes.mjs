// Scripts that run to their end in some runtime, and what they said.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Longer than any of these takes on a busy machine; a process that hangs is ended then. */
const HANG_MS = 180_000;

/** Runs a script of this folder against `api`. `said` sees its output as it comes. */
export function run(runtime, script, api, { args = [], said = () => {}, env = {}, hangMs = HANG_MS } = {}) {
  const child = spawn(runtime.program, [...runtime.before, fileURLToPath(new URL(script, import.meta.url)), ...args], {
    env: { ...process.env, SCALEKIT_ENVIRONMENT_URL: api.envUrl, SCALEKIT_CLIENT_ID: "skc_1", SCALEKIT_CLIENT_SECRET: "hunter2", NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const hang = setTimeout(() => child.kill("SIGKILL"), hangMs);
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

/** How a process ends that has nothing to complain about. */
export const ended = (stdout) => ({ code: 0, signal: null, stdout, stderr: "" });
