// Eight workers; half of them are terminated in the middle of a call, half end their call.

import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

import { ScalekitClient } from "scalekit-vmcp";

if (isMainThread) {
  const ended = [];
  for (let index = 0; index < 8; index += 1) {
    const worker = new Worker(new URL(import.meta.url), { workerData: index % 2 === 0 ? "hold" : "cfg_1" });
    ended.push(
      new Promise((resolve, reject) => {
        worker.once("error", reject);
        worker.once("exit", resolve);
        worker.on("message", (message) => {
          if (message === "under way" && index % 2 === 0) worker.terminate();
        });
      }),
    );
  }
  await Promise.all(ended);
  const { id } = await new ScalekitClient().actions.mcp.getConfig({ configId: "cfg_1" });
  console.log(id);
} else {
  const client = new ScalekitClient();
  const call = client.actions.mcp.getConfig({ configId: workerData });
  parentPort.postMessage("under way");
  await call;
}
