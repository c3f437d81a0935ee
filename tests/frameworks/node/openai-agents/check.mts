// The OpenAI Agents SDK.

import { MCPServerStreamableHttp } from "@openai/agents";
import { openaiAgents } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

await play("@openai/agents", "@modelcontextprotocol/client", async (session) => {
  const server = new MCPServerStreamableHttp(openaiAgents(session));
  await server.connect();
  return {
    tools: async () => (await server.listTools()).map(({ name }) => name),
    call: async (name, given) => {
      const [block] = await server.callTool(name, given);
      return block !== undefined && "text" in block && typeof block.text === "string" ? block.text : "";
    },
    close: () => server.close(),
  };
});
