// Services that connect to the session's MCP server themselves, from where they run: they are given the
// URL and a raw token, and cannot ask for another.

import { siteOf } from "../bridge.js";
import type { Session } from "../session.js";
import { namedToken, type NamedRunOptions } from "./tokens.js";

/** What `hostedMcpTool` of `@openai/agents` takes. */
export interface OpenaiAgentsHostedOptions {
  /** What the server is called in the answer. */
  serverLabel: string;
  /** Where OpenAI connects to. */
  serverUrl: string;
  /** The token. */
  authorization: string;
  /** The config has chosen the tools already. */
  requireApproval: "never";
}

/** What `client.beta.messages.create` of `@anthropic-ai/sdk` takes besides model and messages. */
export interface AnthropicParameters {
  /** The server, with the token. */
  mcp_servers: { type: "url"; name: string; url: string; authorization_token: string }[];
  /** Its tools; add your own. */
  tools: { type: "mcp_toolset"; mcp_server_name: string }[];
  /** The version of the connector; add your own. */
  betas: string[];
}

/** What three calls of `@anthropic-ai/sdk` take. */
export interface ClaudeManagedAgentsParameters {
  /** For `client.beta.agents.create`; it holds no token. */
  agent: {
    mcp_servers: { type: "url"; name: string; url: string }[];
    tools: {
      type: "mcp_toolset";
      mcp_server_name: string;
      default_config: { permission_policy: { type: "always_allow" } };
    }[];
  };
  /** For `client.beta.vaults.credentials.create`. */
  create: { auth: { type: "static_bearer"; token: string; mcp_server_url: string } };
  /** For `client.beta.vaults.credentials.update`. */
  update: { auth: { type: "static_bearer"; token: string } };
}

/**
 * The hosted tool of the OpenAI Agents SDK that lets a model use the session's MCP server: OpenAI
 * connects, and not this program. `openaiAgents` connects from this program, and renews its token.
 *
 * The token does not refresh: make the tool for each run. OpenAI must reach the session's URL: an
 * engine on this machine is out of reach.
 *
 * @returns The options of `hostedMcpTool`; spread them to add others. They hold the token: keep them
 * out of logs.
 * @throws {@link ScalekitValidationError} (`valid_for_too_long`) when the session's tokens do not
 * live that long; {@link ScalekitAuthorizationRequiredError} when an account went inactive meanwhile.
 *
 * @example
 * ```ts
 * const tool = hostedMcpTool(await openaiAgentsHosted(session, { runSeconds: 1200 }));
 * const agent = new Agent({ name: "mail-agent", tools: [tool] });
 * ```
 */
export async function openaiAgentsHosted(session: Session, options: NamedRunOptions): Promise<OpenaiAgentsHostedOptions> {
  const { name, url, token } = await namedToken(siteOf(openaiAgentsHosted), session, options);
  return { serverLabel: name, serverUrl: url, authorization: token, requireApproval: "never" };
}

/**
 * What Anthropic's Messages API needs to let a model use the session's MCP server: Anthropic
 * connects, and not this program.
 *
 * The token does not refresh: make the parameters for each run. Anthropic must reach the session's
 * URL: an engine on this machine is out of reach.
 *
 * @returns The parameters `mcp_servers`, `tools` and `betas`. They hold the token: keep them out of logs.
 * @throws Those of {@link openaiAgentsHosted}.
 *
 * @example
 * ```ts
 * const answer = await anthropicClient.beta.messages.create({
 *   model, max_tokens, messages, ...(await anthropic(session, { runSeconds: 1200 })),
 * });
 * ```
 */
export async function anthropic(session: Session, options: NamedRunOptions): Promise<AnthropicParameters> {
  const { name, url, token } = await namedToken(siteOf(anthropic), session, options);
  return {
    mcp_servers: [{ type: "url", name, url, authorization_token: token }],
    tools: [{ type: "mcp_toolset", mcp_server_name: name }],
    betas: ["mcp-client-2025-11-20"],
  };
}

/**
 * What a Claude Managed Agent needs to use the session's MCP server: parameters for three calls.
 *
 * The URL is that of the config, and the token is of one user: one agent serves all users, and each
 * has a vault (`vault_ids` of its sessions). The agent may call every tool without asking: the config
 * has chosen them already. The token does not refresh; `update` replaces it before the next run.
 *
 * @returns The parameters by call. `create` and `update` hold the token: keep them out of logs.
 * @throws Those of {@link openaiAgentsHosted}.
 *
 * @example
 * ```ts
 * const vmcp = await claudeManagedAgents(session, { runSeconds: 1200 });
 * // Once per role, and once per user:
 * const agent = await client.beta.agents.create({ name, model, ...vmcp.agent });
 * const credential = await client.beta.vaults.credentials.create(vault.id, vmcp.create);
 * // Before each later run:
 * await client.beta.vaults.credentials.update(credential.id, { vault_id: vault.id, ...vmcp.update });
 * ```
 */
export async function claudeManagedAgents(session: Session, options: NamedRunOptions): Promise<ClaudeManagedAgentsParameters> {
  const { name, url, token } = await namedToken(siteOf(claudeManagedAgents), session, options);
  const unasked = { permission_policy: { type: "always_allow" } } as const;
  return {
    agent: {
      mcp_servers: [{ type: "url", name, url }],
      tools: [{ type: "mcp_toolset", mcp_server_name: name, default_config: unasked }],
    },
    create: { auth: { type: "static_bearer", token, mcp_server_url: url } },
    update: { auth: { type: "static_bearer", token } },
  };
}
