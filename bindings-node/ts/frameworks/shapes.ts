// Frameworks that wrap an MCP client of their own, and want the connection in their own shape.

import { located, siteOf } from "../bridge.js";
import type { Session } from "../session.js";
import { fetchOf, type SessionFetch } from "./fetch.js";
import { checkArguments } from "./options.js";
import { runHeaders, type RunOptions } from "./tokens.js";

/** An MCP server for the Claude Agent SDK: what it calls `McpHttpServerConfig`. */
export interface ClaudeAgentSdkServer {
  /** Streamable HTTP. */
  type: "http";
  /** Where to connect to. */
  url: string;
  /** The token. */
  headers: Record<string, string>;
}

/** What `mcp` of `@llamaindex/tools` takes. */
export interface LlamaIndexOptions {
  /** Where to connect to. */
  url: string;
  /** Sends the session's credential, always fresh. */
  fetch: SessionFetch;
}

/**
 * An MCP server for the Claude Agent SDK. It has no hook: the token is the same for the whole run.
 * One that ends in mid-run shows as a server whose status is `failed`.
 *
 * @returns What `mcpServers` of the options holds by name; its tools are `mcp__<name>__<tool>`. It
 * holds the token: keep it out of logs.
 * @throws {@link ScalekitValidationError} (`valid_for_too_long`) when the session's tokens do not
 * live that long; {@link ScalekitAuthorizationRequiredError} when an account went inactive meanwhile.
 *
 * @example
 * ```ts
 * const options = {
 *   mcpServers: { scalekit: await claudeAgentSdk(session, { runSeconds: 3600 }) },
 *   allowedTools: ["mcp__scalekit__*"],
 * };
 * ```
 */
export async function claudeAgentSdk(session: Session, options: RunOptions): Promise<ClaudeAgentSdkServer> {
  const headers = await runHeaders(siteOf(claudeAgentSdk), session, options);
  return { type: "http", url: session.url, headers };
}

/**
 * The options of an MCP client of LlamaIndex. The token is renewed in mid-run.
 *
 * @throws {@link ScalekitValidationError} when `session` is none.
 *
 * @example
 * ```ts
 * const server = mcp(llamaIndex(session));
 * const tools = await server.tools();
 * ```
 */
export function llamaIndex(session: Session): LlamaIndexOptions {
  located(siteOf(llamaIndex), () => checkArguments(session, {}, []));
  return { url: session.url, fetch: fetchOf(session) };
}
