// The official MCP client, version 1.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { mcp } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

await play("@modelcontextprotocol/sdk", undefined, async (session) => {
  const agent = new Client({ name: "agent", version: "1.0.0" });
  await agent.connect(new StreamableHTTPClientTransport(...mcp(session)));
  return {
    tools: async () => (await agent.listTools()).tools.map(({ name }) => name),
    call: async (name, given) => {
      const [block] = CallToolResultSchema.parse(await agent.callTool({ name, arguments: given })).content;
      return block?.type === "text" ? block.text : "";
    },
    close: () => agent.close(),
  };
});
