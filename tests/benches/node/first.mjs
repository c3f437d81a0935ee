// A first token, by the client: `first.mjs URL CA_FILE`.

import { ScalekitClient } from "scalekit-vmcp";

const [envUrl, caFile] = process.argv.slice(2);
const client = new ScalekitClient({ envUrl, clientId: "skc_bench", clientSecret: "bench-secret", caFile });
const { token } = await client.actions.mcp.createSessionToken({ configId: "cfg_1", identifier: "user_123" });
console.log(token.length);
