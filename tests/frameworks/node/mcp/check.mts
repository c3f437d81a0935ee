// The official MCP client, version 2.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { mcp } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

await play("@modelcontextprotocol/client", undefined, async (session) => {
  const agent = new Client({ name: "agent", version: "1.0.0" });
  await agent.connect(new StreamableHTTPClientTransport(...mcp(session)));
  return {
    tools: async () => (await agent.listTools()).tools.map(({ name }) => name),
    call: async (name, given) => {
      const [block] = (await agent.callTool({ name, arguments: given })).content;
      return block?.type === "text" ? block.text : "";
    },
    close: () => agent.close(),
  };
});
