// Mastra.

import { noopObserve } from "@mastra/core/tools";
import { MCPClient } from "@mastra/mcp";
import { mastra } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

await play("@mastra/mcp", "@modelcontextprotocol/client", async (session) => {
  const client = new MCPClient(mastra(session));
  const tools = await client.listTools();
  return {
    tools: async () => {
      const { tools, errors } = await client.listToolsWithErrors();
      if (errors["scalekit"] !== undefined) throw new Error(errors["scalekit"]);
      return Object.keys(tools).map((name) => name.replace("scalekit_", ""));
    },
    call: async (name, given) => {
      const result: unknown = await tools[`scalekit_${name}`]?.execute?.(given, { observe: noopObserve });
      return JSON.stringify(result);
    },
    close: () => client.disconnect(),
  };
});
