// A strict program that imports the package, and lines that must not compile.

import { ScalekitAuthorizationRequiredError, ScalekitClient, ScalekitError, type Config, type RequestOptions, type SessionToken } from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";

export async function right(signal: AbortSignal | undefined, description: string | undefined): Promise<string> {
  await using engine = await LocalEngine.start({ port: 0 });
  await using client = engine.client({ timeoutMs: 5_000 });
  const options: RequestOptions = { signal, maxRetries: 0, headers: { traceparent: "00" } };
  const config: Config = await client.actions.mcp.createConfig({ name: "a", description, connectionToolMappings: [{ connectionName: "gmail" }] }, options);
  await client.actions.mcp.updateConfig({ configId: config.id, connectionToolMappings: config.connectionToolMappings });
  for await (const { id, mcpServerUrl } of client.actions.mcp.iterConfigs()) if (mcpServerUrl === undefined) return id;
  try {
    const session = await client.actions.mcp.openSession({ config, identifier: "u", expirySeconds: 60 });
    const token: SessionToken = await session.token();
    const expires: Date | undefined = token.expiresAt;
    const response: Response = await session.fetch(new URL(session.url), { method: "POST" });
    return `${expires?.toISOString()} ${response.status} ${await session.authorizationFor(session.url)}`;
  } catch (error) {
    if (error instanceof ScalekitAuthorizationRequiredError) return error.connections[0]?.authenticationLink ?? "";
    if (error instanceof ScalekitError) return `${error.kind} ${error.code} ${error.status ?? ""}`;
    throw error;
  }
}

export async function wrong(client: ScalekitClient, engine: LocalEngine): Promise<void> {
  const mcp = client.actions.mcp;
  // @ts-expect-error the name is missing
  await mcp.createConfig({});
  // @ts-expect-error no such key
  await mcp.createConfig({ name: "a", connection_tool_mappings: [] });
  // @ts-expect-error `null` is not for leaving out
  await mcp.createConfig({ name: "a", description: null });
  // @ts-expect-error a text is no list
  await mcp.createConfig({ name: "a", connectionToolMappings: [{ connectionName: "b", tools: "c" }] });
  // @ts-expect-error the id has a name
  await mcp.getConfig("cfg_1");
  // @ts-expect-error a number is no id
  await mcp.deleteConfig({ configId: 1 });
  // @ts-expect-error seconds are a number
  await mcp.createSessionToken({ configId: "cfg_1", identifier: "u", expirySeconds: "60" });
  // @ts-expect-error the user is missing
  await mcp.openSession({ configId: "cfg_1" });
  // @ts-expect-error no such option
  await mcp.listConfigs({}, { timeout: 5 });
  // @ts-expect-error that is no signal
  await mcp.listConfigs({}, { signal: {} });
  // @ts-expect-error no such option
  new ScalekitClient({ env_url: "https://a.example" });
  // @ts-expect-error there is no such operation
  await mcp.createConfigs({ name: "a" });
  // @ts-expect-error answers may lack a description
  const description: string = (await mcp.getConfig({ configId: "cfg_1" })).description;
  // @ts-expect-error the URL is the session's own
  (await mcp.openSession({ configId: "cfg_1", identifier: "u" })).url = description;
  // @ts-expect-error the parts under the package are private
  await import("scalekit-vmcp/dist/native.cjs");
  // @ts-expect-error engines are started
  new LocalEngine(engine);
}
