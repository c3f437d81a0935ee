// An engine that is left running, with a client and a session in use: the process ends.

import { LocalEngine } from "scalekit-vmcp/engine";

const engine = await LocalEngine.start();
const client = engine.client();
const config = await client.actions.mcp.createConfig({ name: "left-open" });
console.log(config.name);
