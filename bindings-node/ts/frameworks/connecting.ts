// Frameworks that connect to the MCP server themselves.

import type { Session } from "../session.js";
import { fetchOf, type SessionFetch } from "./fetch.js";
import { OAuthSession, type SessionOAuthProvider } from "./oauth.js";
import { ANSWER_SECONDS, checkArguments, positiveSeconds, serverName } from "./options.js";

/** Options of the functions whose framework names each server and waits for its answers. */
export interface NamedOptions {
  /** What the framework calls the server; not empty. `scalekit`. */
  name?: string | undefined;
  /** How long one answer may take, such as the result of a tool, in seconds; at most 24 days. 5 minutes. */
  timeoutSeconds?: number | undefined;
}

/** What `StreamableHTTPClientTransport` takes. */
export type McpTransportArguments = [url: URL, options: { fetch: SessionFetch }];

/** What `createMCPClient` of the AI SDK takes. */
export interface AiSdkOptions {
  /** How it connects. */
  transport: { type: "http"; url: string; fetch: SessionFetch };
}

/** What `MCPServerStreamableHttp` of the OpenAI Agents SDK takes. */
export interface OpenaiAgentsOptions {
  /** What it calls the server. */
  name: string;
  /** Where it connects. */
  url: string;
  /** With what it connects. */
  fetch: SessionFetch;
  /** How long an answer other than the result of a tool may take, in seconds. */
  clientSessionTimeoutSeconds: number;
  /** How long the result of a tool may take, in milliseconds. */
  timeout: number;
}

/** What `MultiServerMCPClient` of LangChain takes. */
export interface LangchainOptions {
  /** One server, by its name. */
  mcpServers: Record<string, { transport: "http"; url: string; authProvider: SessionOAuthProvider; automaticSSEFallback: false }>;
  /** How long the result of a tool may take, in milliseconds. */
  defaultToolTimeout: number;
}

/** What `MCPClient` of Mastra takes. */
export interface MastraOptions {
  /** A new one each time: Mastra keeps one client per id. */
  id: string;
  /** One server, by its name; `timeout` is in milliseconds. */
  servers: Record<string, { url: URL; fetch: SessionFetch; timeout: number }>;
}

/** What `MCPToolset` of Google's ADK takes. */
export interface GoogleAdkOptions {
  /** The kind of connection. */
  type: "StreamableHTTPConnectionParams";
  /** Where it connects. */
  url: string;
  /** With what it connects. */
  transportOptions: { fetch: SessionFetch };
}

/**
 * The official MCP client: `@modelcontextprotocol/client` (version 2) and `@modelcontextprotocol/sdk`
 * (version 1) alike.
 *
 * How long an answer may take is an option of each call there, a minute if not set.
 *
 * @example
 * ```ts
 * const agent = new Client({ name: "agent", version: "1.0.0" });
 * await agent.connect(new StreamableHTTPClientTransport(...mcp(session)));
 * ```
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session.
 */
export function mcp(session: Session): McpTransportArguments {
  checkArguments(session, {}, []);
  return [new URL(session.url), { fetch: fetchOf(session) }];
}

/**
 * The MCP client of Vercel's AI SDK, `@ai-sdk/mcp`.
 *
 * @example
 * ```ts
 * const agent = await createMCPClient(aiSdk(session));
 * const { text } = await generateText({ model, tools: await agent.tools(), prompt });
 * ```
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session.
 */
export function aiSdk(session: Session): AiSdkOptions {
  checkArguments(session, {}, []);
  return { transport: { type: "http", url: session.url, fetch: fetchOf(session) } };
}

/**
 * An MCP server for the OpenAI Agents SDK, `@openai/agents`.
 *
 * @example
 * ```ts
 * const server = new MCPServerStreamableHttp(openaiAgents(session));
 * await server.connect();
 * const agent = new Agent({ name: "Assistant", mcpServers: [server] });
 * ```
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session, and for options that break a rule.
 */
export function openaiAgents(session: Session, options: NamedOptions = {}): OpenaiAgentsOptions {
  const { name, timeoutSeconds } = named(session, options);
  return {
    name,
    url: session.url,
    fetch: fetchOf(session),
    clientSessionTimeoutSeconds: timeoutSeconds,
    timeout: timeoutSeconds * 1000,
  };
}

/**
 * A client of `@langchain/mcp-adapters`, for LangChain and LangGraph.
 *
 * @example
 * ```ts
 * const agent = createAgent({ model, tools: await new MultiServerMCPClient(langchain(session)).getTools() });
 * ```
 *
 * For several servers in one client, merge the `mcpServers` under names of their own.
 *
 * The token is renewed in time, so that none is refused. If the server does refuse one early, calls
 * that are under way at that moment may fail; later ones work.
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session, and for options that break a rule.
 */
export function langchain(session: Session, options: NamedOptions = {}): LangchainOptions {
  const { name, timeoutSeconds } = named(session, options);
  // Over SSE, to which it would turn after an error, there is no Virtual MCP server.
  const server = { transport: "http", url: session.url, authProvider: new OAuthSession(session), automaticSSEFallback: false } as const;
  return { mcpServers: { [name]: server }, defaultToolTimeout: timeoutSeconds * 1000 };
}

/**
 * A client of Mastra, `@mastra/mcp`. The names of its tools start with that of the server:
 * `scalekit_gmail_fetch_mails`.
 *
 * Where a server cannot be reached or refuses, `listTools` lists nothing and throws nothing;
 * `listToolsWithErrors` has the reason in its `errors`.
 *
 * @example
 * ```ts
 * const client = new MCPClient(mastra(session));
 * const agent = new Agent({ id: "mail", name: "Mail", instructions, model, tools: await client.listTools() });
 * ```
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session, and for options that break a rule.
 */
export function mastra(session: Session, options: NamedOptions = {}): MastraOptions {
  const { name, timeoutSeconds } = named(session, options);
  const server = { url: new URL(session.url), fetch: fetchOf(session), timeout: timeoutSeconds * 1000 };
  // By itself Mastra would take the clients of two users of one server for one.
  return { id: crypto.randomUUID(), servers: { [name]: server } };
}

/**
 * A toolset for Google's Agent Development Kit, `@google/adk`; install `@modelcontextprotocol/sdk`
 * beside it. It connects anew for each call.
 *
 * @example
 * ```ts
 * const agent = new LlmAgent({ name: "mail", model, tools: [new MCPToolset(googleAdk(session))] });
 * ```
 *
 * @param session - What it acts for.
 * @throws {@link ScalekitValidationError} for what is no session.
 */
export function googleAdk(session: Session): GoogleAdkOptions {
  checkArguments(session, {}, []);
  return { type: "StreamableHTTPConnectionParams", url: session.url, transportOptions: { fetch: fetchOf(session) } };
}

function named(session: Session, options: NamedOptions): { name: string; timeoutSeconds: number } {
  checkArguments(session, options, ["name", "timeoutSeconds"]);
  const { name = "scalekit", timeoutSeconds = ANSWER_SECONDS } = options;
  return { name: serverName(name), timeoutSeconds: positiveSeconds("timeoutSeconds", timeoutSeconds) };
}
