// As many workers as the first argument says. Half are terminated in the middle of a call: half of those as soon as
// they have made it, the others when the server has it. The other half end their call.

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { ScalekitClient } from "scalekit-vmcp";

if (isMainThread) {
  const count = Number(process.argv[2]);
  const ids = ["cfg_1", "cfg_early", "cfg_1", "cfg_held"];
  const workers = Array.from({ length: count }, (_, index) => ({ id: ids[index % 4] }));
  const ended = workers.map((worker) => {
    worker.thread = new Worker(new URL(import.meta.url), { workerData: worker.id });
    worker.spoke = new Promise((resolve) => worker.thread.once("message", resolve));
    return new Promise((resolve, reject) => {
      let name;
      worker.thread.once("error", reject);
      worker.thread.on("message", (message) => {
        name = message;
        if (worker.id === "cfg_early") worker.thread.terminate();
      });
      worker.thread.once("exit", (code) => {
        const fine = worker.id === "cfg_1" ? name === "agent" && code === 0 : name === "under way";
        return fine ? resolve() : reject(new Error(`a worker for ${worker.id} said ${name} and ended with ${code}`));
      });
    });
  });
  const client = new ScalekitClient();
  await fetch(new URL(`/test/held/cfg_held/${workers.filter(({ id }) => id === "cfg_held").length}`, client.envUrl));
  const held = workers.filter(({ id }) => id === "cfg_held");
  // The server may have the call before its worker was heard.
  await Promise.all(held.map(({ spoke }) => spoke));
  await Promise.all(held.map(({ thread }) => thread.terminate()));
  await Promise.all(ended);
  // What they asked for is dropped with them.
  await fetch(new URL("/test/empty", client.envUrl));
  await client.actions.mcp.getConfig({ configId: "cfg_1" });
  console.log(`${count} workers ended`);
} else {
  const call = new ScalekitClient({ timeoutMs: 600_000, attemptTimeoutMs: 600_000 }).actions.mcp.getConfig({ configId: workerData });
  parentPort.postMessage("under way");
  parentPort.postMessage((await call).name);
}
