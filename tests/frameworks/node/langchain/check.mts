// LangChain and LangGraph.

import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { langchain } from "scalekit-vmcp/frameworks";
import { play, type Connect } from "./scene.mjs";

const connect: Connect = async (session) => {
  const client = new MultiServerMCPClient(langchain(session));
  const tools = await client.getTools();
  return {
    tools: async () => (await client.getTools()).map(({ name }) => name),
    call: async (name, given) => String(await tools.find((tool) => tool.name === name)?.invoke(given)),
    close: () => client.close(),
  };
};

// Its MCP client gives up a call that is refused while another is being repeated.
await play("@langchain/mcp-adapters", "@modelcontextprotocol/sdk", connect, { oneByOne: true, statusOnly: true });
