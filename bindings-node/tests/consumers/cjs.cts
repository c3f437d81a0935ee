// The same package for `require`.

import sdk = require("scalekit-vmcp");
import engines = require("scalekit-vmcp/engine");

async function right(): Promise<string[]> {
  const engine: engines.LocalEngine = await engines.LocalEngine.start();
  const client: sdk.ScalekitClient = engine.client();
  const page: sdk.ConfigPage = await client.actions.mcp.listConfigs({ pageSize: 5 });
  return page.configs.map((config: sdk.Config) => config.name);
}

// @ts-expect-error a client takes options
new sdk.ScalekitClient("https://a.example");

export = right;
