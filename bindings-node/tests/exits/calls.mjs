// As many calls as the first argument says, 32 at a time: most succeed, a tenth each fails, opens a session, follows a
// list, or is aborted. Prints the memory after each tenth, and what is left at the end.

import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { ScalekitClient, ScalekitNotFoundError } from "scalekit-vmcp";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

const TIMES = Number(process.argv[2]);
const client = new ScalekitClient();
const { mcp } = client.actions;
const config = await mcp.createConfig({ name: "agent", connectionToolMappings: [{ connectionName: "gmail" }] });

const KINDS = [
  async () => {
    const error = await mcp.getConfig({ configId: "cfg_none" }).catch((error) => error);
    if (!(error instanceof ScalekitNotFoundError)) throw new Error(`got ${error}`);
  },
  async (number) => {
    const session = await mcp.openSession({ config, identifier: `user_${number % 50}` });
    if ((await session.headers()).authorization === undefined) throw new Error("no header");
  },
  async () => {
    for await (const { id } of mcp.iterConfigs()) if (id !== config.id) throw new Error(`got ${id}`);
  },
  async () => {
    const controller = new AbortController();
    const call = mcp.getConfig({ configId: config.id }, { signal: controller.signal });
    controller.abort();
    const error = await call.catch((error) => error);
    if (error !== controller.signal.reason) throw new Error(`got ${error}`);
  },
];
const plain = async () => {
  const { id } = await mcp.getConfig({ configId: config.id });
  if (id !== config.id) throw new Error(`got ${id}`);
};

const sizes = [];
let next = 0;
async function worker(end) {
  while (next < end) {
    next += 1;
    await (KINDS[next % 10] ?? plain)(next);
  }
}
for (let tenth = 1; tenth <= 10; tenth += 1) {
  await Promise.all(Array.from({ length: 32 }, () => worker((TIMES * tenth) / 10)));
  collect();
  sizes.push(process.memoryUsage.rss());
}
const [threads, files] = ["task", "fd"].map((name) => readdirSync(`/proc/self/${name}`).length);
console.log(JSON.stringify({ sizes, threads, files }));
