// The one server that plays the vectors, as a child of this process.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../target/debug/vmcp-vectors", import.meta.url));

/** Starts it: `{ baseUrl, stop }`. */
export async function startVectorServer() {
  const server = spawn(PROGRAM, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise((resolve, reject) => {
    server.once("error", reject);
    createInterface({ input: server.stdout }).once("line", resolve);
  });
  const stop = () =>
    new Promise((resolve) => {
      server.once("exit", resolve);
      server.kill();
    });
  return { baseUrl: JSON.parse(line).base_url, stop };
}
