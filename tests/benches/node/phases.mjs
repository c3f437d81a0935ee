// How long a first token takes, from phase to phase: `phases.mjs URL CA_FILE` prints milliseconds since the start of Node.

const until = { "Node itself": performance.now() };
const { ScalekitClient } = await import("scalekit-vmcp");
until["import"] = performance.now();
const [envUrl, caFile] = process.argv.slice(2);
const client = new ScalekitClient({ envUrl, clientId: "skc_bench", clientSecret: "bench-secret", caFile });
until["client made"] = performance.now();
const mint = () => client.actions.mcp.createSessionToken({ configId: "cfg_1", identifier: "user_123" });
await mint();
until["first token: access token and mint, over a new connection"] = performance.now();
await mint();
until["a second token, for comparison"] = performance.now();
console.log(JSON.stringify(until));
