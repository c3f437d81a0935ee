// The same package for `require`.

import sdk = require("scalekit-vmcp");
import engines = require("scalekit-vmcp/engine");

async function right(): Promise<string[]> {
  const engine: engines.LocalEngine = await engines.LocalEngine.start();
  const client: sdk.ScalekitClient = engine.client();
  const page: sdk.ConfigPage = await client.actions.mcp.listConfigs({ pageSize: 5 });
  const wait: sdk.AccountWait = client.actions.mcp.waitUntilActive({ configId: "cfg_1", identifier: "u" });
  const states: sdk.ConnectionAuthState[] = await wait;
  const status: sdk.AccountStatus | undefined = states[0]?.connectedAccountStatus;
  const tools: sdk.ToolPage = await client.actions.listAvailableTools({ identifier: "u" });
  return [...page.configs.map((config: sdk.Config) => config.name), status ?? "", ...tools.toolNames];
}

// @ts-expect-error a client takes options
new sdk.ScalekitClient("https://a.example");

export = right;
