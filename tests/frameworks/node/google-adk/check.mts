// Google's Agent Development Kit.

import { Context, InvocationContext, LlmAgent, MCPToolset, PluginManager, createSession } from "@google/adk";
import { googleAdk } from "scalekit-vmcp/frameworks";
import { play } from "./scene.mjs";

// Where a tool is called from; no model is asked.
const invocationContext = new InvocationContext({
  invocationId: "one",
  agent: new LlmAgent({ name: "agent", model: "none" }),
  session: createSession({ id: "one", appName: "check", userId: "one" }),
  pluginManager: new PluginManager(),
});

await play("@google/adk", "@modelcontextprotocol/sdk", async (session) => {
  const toolset = new MCPToolset(googleAdk(session));
  const tools = await toolset.getTools();
  return {
    tools: async () => (await toolset.getTools()).map(({ name }) => name),
    call: async (name, args) => {
      const toolContext = new Context({ invocationContext });
      return JSON.stringify(await tools.find((tool) => tool.name === name)?.runAsync({ args, toolContext }));
    },
    close: () => toolset.close(),
  };
});
