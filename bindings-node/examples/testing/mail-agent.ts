// An agent that reads a user's mail. A real one would ask a model which tool to call.

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { ScalekitAuthorizationRequiredError, type ScalekitClient } from "scalekit-vmcp";

const TOOLS = [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }];

/** What the agent answers when `user` asks for mails about `subject`. */
export async function mailsAbout(client: ScalekitClient, user: string, subject: string): Promise<string> {
  const { mcp } = client.actions;
  const { config } = await mcp.ensureConfig({ name: "mail-agent", connectionToolMappings: TOOLS });
  try {
    const session = await mcp.openSession({ config, identifier: user, expirySeconds: 1800 });
    const agent = new Client({ name: "mail-agent", version: "1.0.0" });
    await agent.connect(new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch }));
    try {
      const { content, isError } = await agent.callTool({ name: "gmail_fetch_mails", arguments: { query: subject } });
      if (isError !== true) return content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
    } catch {
      // Told below.
    } finally {
      await agent.close();
    }
    return "Your mail cannot be reached right now.";
  } catch (error) {
    if (!(error instanceof ScalekitAuthorizationRequiredError)) throw error;
    return error.connections.map(({ connectionName, authenticationLink }) => `Please connect ${connectionName}: ${authenticationLink}`).join("\n");
  }
}
