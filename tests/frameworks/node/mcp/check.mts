// The official MCP client, version 2.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { mcp } from "scalekit-vmcp/frameworks";
import type { Session } from "scalekit-vmcp";
import { play, type Connect } from "./scene.mjs";

const PACKAGE = "@modelcontextprotocol/client";

function connect(transportOf: (session: Session) => StreamableHTTPClientTransport): Connect {
  return async (session) => {
    const agent = new Client({ name: "agent", version: "1.0.0" });
    await agent.connect(transportOf(session));
    return {
      tools: async () => (await agent.listTools()).tools.map(({ name }) => name),
      call: async (name, given) => {
        const [block] = (await agent.callTool({ name, arguments: given })).content;
        return block?.type === "text" ? block.text : "";
      },
      close: () => agent.close(),
    };
  };
}

// The other hook. It does not say which token was refused, so calls at once could replace a new one.
const provided = ({ url, authProvider }: Session) => new StreamableHTTPClientTransport(new URL(url), { authProvider });
await play(PACKAGE, undefined, connect(provided), { oneByOne: true, statusOnly: true });
await play(PACKAGE, undefined, connect((session) => new StreamableHTTPClientTransport(...mcp(session))));
