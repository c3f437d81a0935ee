// A worker that fails with an error of the package, by a message first, then because nobody catches it.

import { parentPort, workerData } from "node:worker_threads";

import { ScalekitClient } from "scalekit-vmcp";

const error = await new ScalekitClient(workerData).actions.mcp.getConfig({ configId: "cfg_none" }, { maxRetries: 0 }).catch((error) => error);
parentPort.postMessage({ error, json: error.toJSON() });
throw error;
