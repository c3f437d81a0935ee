// A client that has been used and is left open: the process ends.

import { ScalekitClient } from "scalekit-vmcp";

const client = new ScalekitClient();
const { id } = await client.actions.mcp.getConfig({ configId: "cfg_1" });
console.log(id);
