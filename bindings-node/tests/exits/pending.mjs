// A call that nobody waits for: it ends before the process does.

import { ScalekitClient } from "scalekit-vmcp";

const client = new ScalekitClient();
client.actions.mcp.getConfig({ configId: "hold" }).then(({ id }) => console.log(id));
console.log("end of the script");
