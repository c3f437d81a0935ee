// What a newcomer runs first, with nothing installed but the package: an engine, a config, a session.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LocalEngine } from "scalekit-vmcp/engine";

const TOOL = { name: "notes_list", description: "Lists the notes.", inputSchema: { type: "object" } };
const CONFIG = '[connections.notes]\nsandbox = "notes.json"\nauth = "none"\n';

const folder = mkdtempSync(join(tmpdir(), "vmcp-"));
writeFileSync(join(folder, "notes.json"), JSON.stringify({ tools: [TOOL], results: { notes_list: { content: [] } } }));
writeFileSync(join(folder, "vmcp.toml"), CONFIG);
const engine = await LocalEngine.start({ config: join(folder, "vmcp.toml") });
const client = engine.client();
const { mcp } = client.actions;
const config = await mcp.createConfig({ name: "agent", connectionToolMappings: [{ connectionName: "notes" }] });
const session = await mcp.openSession({ config, identifier: "user_123", expirySeconds: 3600 });
const report = await session.check();
console.log(report.tools.map(({ name }) => name).join(", "));
await client.close();
await engine.close();
rmSync(folder, { recursive: true });
