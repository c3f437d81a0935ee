// The Claude Agent SDK: its program, which connects, is not run.

import assert from "node:assert/strict";

import type { McpHttpServerConfig, Options } from "@anthropic-ai/claude-agent-sdk";
import { claudeAgentSdk } from "scalekit-vmcp/frameworks";

import { report, Scene, TOOLS } from "./scene.mjs";
import { bearer, connect, USER } from "./vendor.mjs";

const here = await Scene.start();
const session = await here.session(USER);
const server: McpHttpServerConfig = await claudeAgentSdk(session, { runSeconds: 1200 });
const options: Options = { mcpServers: { scalekit: server } };
assert.equal(options.mcpServers?.["scalekit"], server);
const { headers = {}, ...rest } = server;
assert.deepEqual(rest, { type: "http", url: session.url });
const seen = `its program is answered HTTP 401: ${await connect(here, session.url, bearer(headers), TOOLS)}`;
report({ framework: "@anthropic-ai/claude-agent-sdk", how: "shape only", refresh: "no hook", calls: here.calls, seen });
