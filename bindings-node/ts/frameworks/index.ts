/**
 * `scalekit-vmcp/frameworks`: one function per agent framework. A session in, out comes what the
 * framework's own constructor or function takes.
 *
 * @example
 * ```ts
 * import { MCPServerStreamableHttp } from "@openai/agents";
 * import { openaiAgents } from "scalekit-vmcp/frameworks";
 *
 * const server = new MCPServerStreamableHttp(openaiAgents(session));
 * ```
 *
 * Nothing of a framework is imported. Where a framework lets it, the token is renewed in mid-run, and
 * a call for which none can be had any more fails with the reason, such as a user who must authorize a
 * connection again; `session.token()` rejects with the same, and with the link. The functions of
 * services that connect themselves want to know how long the run may take, as `runSeconds`, and hand
 * out a token that outlives it.
 *
 * @packageDocumentation
 */

export * from "./connecting.js";
export type { SessionFetch } from "./fetch.js";
export * from "./hosted.js";
export type { SessionOAuthProvider } from "./oauth.js";
export * from "./shapes.js";
export type { NamedRunOptions, RunOptions } from "./tokens.js";
