// The operations, grouped as in the API.

import type { Client } from "./native.js";
import { McpActions } from "./mcp.js";

/** The operations of an environment. */
export class Actions {
  /** Virtual MCP servers: configs, the users' accounts on their connections, sessions. */
  readonly mcp: McpActions;

  /** @internal */
  constructor(client: Client) {
    this.mcp = new McpActions(client);
  }
}
