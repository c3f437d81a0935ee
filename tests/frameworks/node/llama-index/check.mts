// LlamaIndex.

import { mcp } from "@llamaindex/tools";
import { llamaIndex } from "scalekit-vmcp/frameworks";

import { play } from "./scene.mjs";

await play("@llamaindex/tools", "@modelcontextprotocol/sdk", async (session) => {
  const server = mcp(llamaIndex(session));
  const found = await server.tools();
  return {
    tools: async () => found.map(({ metadata }) => metadata.name),
    call: async (name, given) => JSON.stringify(await found.find(({ metadata }) => metadata.name === name)?.call(given)),
    close: () => server.cleanup(),
  };
});
