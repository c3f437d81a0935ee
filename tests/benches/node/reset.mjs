// How long `reset` takes between two tests: the median, in milliseconds.

import { LocalEngine } from "scalekit-vmcp/engine";

const engine = await LocalEngine.start();
const client = engine.client();
const times = [];
for (let round = 0; round < 200; round += 1) {
  await client.actions.mcp.createConfig({ name: `agent-${round}` });
  const begun = performance.now();
  await engine.reset();
  times.push(performance.now() - begun);
}
console.log(times.sort((left, right) => left - right)[100]);
await client.close();
await engine.close();
