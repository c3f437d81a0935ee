// The MCP client of Vercel's AI SDK.

import { createMCPClient } from "@ai-sdk/mcp";
import { aiSdk } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

await play("@ai-sdk/mcp", undefined, async (session) => {
  const agent = await createMCPClient(aiSdk(session));
  const tools = await agent.tools();
  return {
    tools: async () => Object.keys(await agent.tools()),
    call: async (name, given) => {
      const result = await tools[name]?.execute(given);
      const [block] = result !== undefined && "content" in result && Array.isArray(result.content) ? result.content : [];
      return block?.type === "text" ? block.text : "";
    },
    close: () => agent.close(),
  };
});
