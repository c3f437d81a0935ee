// A strict program that imports the package, and lines that must not compile.

import {
  AccountWait,
  Actions,
  McpActions,
  ScalekitAuthorizationRequiredError,
  ScalekitClient,
  ScalekitError,
  Session,
  type AccountStatus,
  type Config,
  type ConnectedAccount,
  type ConnectionAuthState,
  type EnsuredConfig,
  type EnsureOutcome,
  type Instance,
  type RequestOptions,
  type SessionReport,
  type SessionToken,
  type Tool,
} from "scalekit-vmcp";
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

/** What a program may keep in types of its own. */
interface Settings {
  subDomain: string;
}

interface Credentials {
  oauth_token: { access_token: string };
}

export async function rightToo(client: ScalekitClient, signal: AbortSignal, tools: string[]): Promise<string> {
  const { actions } = client;
  const ensured: EnsuredConfig = await actions.mcp.ensureConfig({ name: "a", connectionToolMappings: [{ connectionName: "gmail", tools }] });
  const outcome: EnsureOutcome = ensured.outcome;
  const { id }: Config = await actions.mcp.getConfig({ name: "a" });
  const wait: AccountWait = actions.mcp.waitUntilActive({ configId: id, identifier: "u", connectionNames: ["gmail"], timeoutSeconds: 60 }, { signal });
  for await (const { connectionName, status, authenticationLink, needsVerification } of wait) {
    const known: AccountStatus | undefined = status;
    if (known === "PENDING_AUTH" && !needsVerification) return `${connectionName} ${authenticationLink ?? ""}`;
    if (known === "A_NEW_STATUS") break;
  }
  const states: ConnectionAuthState[] = await wait;
  const promise: Promise<ConnectionAuthState[]> = wait;
  const either: ConnectionAuthState[] | undefined = await promise.catch(() => undefined).finally(() => {});
  const [count]: [number] = await Promise.all([wait.then((found) => found.length)]);
  const report: SessionReport = await (await actions.mcp.openSession({ configId: id, identifier: "u", accessLevel: "READ_ONLY" })).check({ signal });
  const account: ConnectedAccount = await actions.getOrCreateConnectedAccount({
    connectionName: "gmail",
    identifier: "u",
    authorizationDetails: { oauth_token: { access_token: "a", refresh_token: null } },
    apiConfig: { sub_domain: null },
  });
  const credentials: Credentials = { oauth_token: { access_token: "a" } };
  const settings: Settings = { subDomain: "acme" };
  await actions.updateConnectedAccount({ connectedAccountId: account.id, authorizationDetails: credentials, apiConfig: settings });
  await actions.updateConnectedAccount({ connectedAccountId: account.id, apiConfig: account.apiConfig });
  const known: unknown = account.apiConfig?.["subDomain"];
  const expiry: Date | undefined = (await actions.getAuthorizationLink({ connectionName: "gmail", identifier: "u" }, { signal })).expiry;
  const tool: Tool | undefined = (await actions.listTools({ toolName: tools })).tools[0] ?? (await actions.listScopedTools({ identifier: "u" })).tools[0]?.tool;
  const instance: Instance = await actions.mcp.ensureInstance({ configName: "a", userIdentifier: "u" });
  const gone: void = await actions.deleteConnectedAccount({ connectedAccountId: account.id });
  return [outcome, states.length, either?.length, count, report.warnings[0]?.code, expiry, tool?.definition["name"], known, instance.url, gone].join();
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
  // @ts-expect-error what is asked for must be said
  await mcp.getConfig({});
  // @ts-expect-error a config has one name
  await mcp.getConfig({ configId: "cfg_1", name: "a" });
  // @ts-expect-error the variable may not be set
  await mcp.getConfig({ configId: process.env["CONFIG_ID"] });
  // @ts-expect-error a token is for one server
  await mcp.createSessionToken({ configId: "cfg_1", connectionName: "gmail", identifier: "u" });
  // @ts-expect-error a session has one server
  await mcp.openSession({ config: await mcp.getConfig({ name: "a" }), configId: "cfg_1", identifier: "u" });
  // @ts-expect-error a session has a server
  await mcp.openSession({ identifier: "u" });
  // @ts-expect-error an account is of a user
  await client.actions.getConnectedAccount({ connectionName: "gmail" });
  // @ts-expect-error an account is named in one way
  await client.actions.getConnectedAccount({ connectionName: "gmail", identifier: "u", connectedAccountId: "ca_1" });
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
  // @ts-expect-error no such outcome
  if ((await mcp.ensureConfig({ name: "a" })).outcome === "deleted") return;
  // @ts-expect-error no such level
  await mcp.openSession({ configId: "cfg_1", identifier: "u", accessLevel: "WRITE" });
  // @ts-expect-error the user is missing
  mcp.waitUntilActive({ configId: "cfg_1" });
  // @ts-expect-error the time of a wait has a unit
  mcp.waitUntilActive({ configId: "cfg_1", identifier: "u", timeout: 60 });
  // @ts-expect-error a wait answers with states, not with changes
  (await mcp.waitUntilActive({ configId: "cfg_1", identifier: "u" }))[0]?.needsVerification;
  // @ts-expect-error one name is no list
  await client.actions.listTools({ toolName: "gmail_fetch_mails" });
  // @ts-expect-error `null` is not for leaving out
  await client.actions.updateConnectedAccount({ connectedAccountId: "ca_1", apiConfig: null });
  // @ts-expect-error no such key
  await client.actions.getAuthorizationLink({ connection_name: "gmail", identifier: "u" });
  // @ts-expect-error an account of nobody
  await client.actions.createConnectedAccount({ connectionName: "gmail" });
  // @ts-expect-error an account may have no status
  const status: string = (await client.actions.getConnectedAccount({ connectedAccountId: "ca_1" })).status;
  // @ts-expect-error there is no such operation
  await mcp.createConfigs({ name: "a" });
  // @ts-expect-error answers may lack a description
  const description: string = (await mcp.getConfig({ configId: "cfg_1" })).description;
  // @ts-expect-error the URL is the session's own
  (await mcp.openSession({ configId: "cfg_1", identifier: "u" })).url = description + status;
  // @ts-expect-error the parts under the package are private
  await import("scalekit-vmcp/dist/main.js");
  // @ts-expect-error engines are started
  new LocalEngine(engine);
  // @ts-expect-error sessions are opened
  new Session();
  // @ts-expect-error a wait is what `waitUntilActive` answers with
  new AccountWait();
  // @ts-expect-error a client has them
  new Actions();
  // @ts-expect-error a client has them
  new McpActions();
  // @ts-expect-error a text is no settings
  await client.actions.updateConnectedAccount({ connectedAccountId: "ca_1", apiConfig: "a" });
}
