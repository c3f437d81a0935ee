// `process.exit` in the middle of fifty calls and of a list that is being followed.

import { ScalekitClient } from "scalekit-vmcp";

const client = new ScalekitClient();
const { id } = await client.actions.mcp.getConfig({ configId: "cfg_1" });
for (let call = 0; call < 50; call += 1) client.actions.mcp.getConfig({ configId: "hold" }).catch(() => {});
client.actions.mcp.iterConfigs().next().catch(() => {});
console.log(id);
process.exit(0);
