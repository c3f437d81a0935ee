// What a caller may get wrong: the right error, naming what the caller wrote, before any request.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { ScalekitClient, ScalekitCancelledError, ScalekitValidationError } from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";

import { config, startFakeApi } from "./fake-api.mjs";

let api;
let client;
let mcp;
before(async () => {
  api = await startFakeApi((_, response) => config(response));
  client = new ScalekitClient(api.options);
  mcp = client.actions.mcp;
});
afterEach(() => (api.asked.length = 0));
after(() => api.stop());

const name = "agent";
const gmail = { connectionName: "gmail", tools: ["gmail_fetch_mails"] };
const target = { configId: "cfg_1", identifier: "user_123" };
const account = { connectionName: "gmail", identifier: "user_123" };

/** What is called, how it is wrong, and what the error says: code, argument, words of the text. */
const CASES = [
  ["createConfig", undefined, "argument_missing", "name", "`name`"],
  ["createConfig", null, "argument_missing", "name", "`name`"],
  ["createConfig", "agent", "argument_type", "parameters", "an object"],
  ["createConfig", [], "argument_type", "parameters", "an object"],
  ["createConfig", {}, "argument_missing", "name", "`name`"],
  ["createConfig", { name: undefined }, "argument_missing", "name", "`name`"],
  ["createConfig", { name: null }, "argument_type", "name", "must not be null"],
  ["createConfig", { name: 5 }, "argument_type", "name", "a string"],
  ["createConfig", { name: () => "agent" }, "argument_type", "name", "function"],
  ["createConfig", { name: Symbol("agent") }, "argument_type", "name", "symbol"],
  ["createConfig", { name: 5n }, "argument_type", "name", "bigint"],
  ["createConfig", { name: "Not This" }, "config_name_invalid", "name", "name"],
  ["createConfig", { nme: name }, "unknown_argument", "nme", "did you mean `name`?"],
  ["createConfig", { name, nme: () => "agent" }, "unknown_argument", "nme", "nme"],
  ["createConfig", { name, connectionToolMapings: [] }, "unknown_argument", "connectionToolMapings", "did you mean `connectionToolMappings`?"],
  ["createConfig", { name, connection_tool_mappings: [gmail] }, "unknown_argument", "connection_tool_mappings", "did you mean `connectionToolMappings`?"],
  ["createConfig", { name, connectionToolMappings: gmail }, "argument_type", "connectionToolMappings", "a list"],
  ["createConfig", { name, connectionToolMappings: ["gmail"] }, "argument_type", "connectionToolMappings[0]", "an object"],
  ["createConfig", { name, connectionToolMappings: [{}] }, "argument_missing", "connectionToolMappings[0].connectionName", "connectionName"],
  ["createConfig", { name, connectionToolMappings: [gmail, { conectionName: "x" }] }, "unknown_argument", "connectionToolMappings[1].conectionName", "did you mean `connectionName`?"],
  ["createConfig", { name, connectionToolMappings: [{ connection_name: "x" }] }, "unknown_argument", "connectionToolMappings[0].connection_name", "did you mean `connectionName`?"],
  ["createConfig", { name, connectionToolMappings: [{ ...gmail, tools: [] }] }, "tools_empty", "connectionToolMappings[0].tools", "tools"],
  ["createConfig", { name, connectionToolMappings: [{ ...gmail, tools: "gmail_fetch_mails" }] }, "argument_type", "connectionToolMappings[0].tools", "a list"],
  ["createConfig", { name, connectionToolMappings: [{ ...gmail, tools: [1] }] }, "argument_type", "connectionToolMappings[0].tools[0]", "a string"],
  ["createConfig", { name, connectionToolMappings: Array.from({ length: 26 }, () => gmail) }, "too_many_mappings", "connectionToolMappings", "25"],
  ["getConfig", {}, "argument_missing", "configId", "`configId`"],
  ["getConfig", { configId: "" }, "argument_missing", "configId", "`configId`"],
  ["getConfig", { configId: ".." }, "id_invalid", "configId", "`configId`"],
  ["getConfig", { id: "cfg_1" }, "unknown_argument", "id", "configId"],
  ["listConfigs", { pageSize: 31 }, "page_size_out_of_range", "pageSize", "`pageSize`"],
  ["listConfigs", { pageSize: 1.5 }, "argument_type", "pageSize", "a whole number"],
  ["listConfigs", { pageSize: Number.NaN }, "argument_type", "pageSize", "got NaN"],
  ["listConfigs", { filterNme: "x" }, "unknown_argument", "filterNme", "did you mean `filterName`?"],
  ["updateConfig", { configId: "cfg_1", connectionToolMappings: [] }, "cannot_clear", "connectionToolMappings", "`connectionToolMappings`"],
  ["updateConfig", { configId: "cfg_1", description: "" }, "cannot_clear", "description", "`description`"],
  ["updateConfig", { configId: "cfg_1", name }, "unknown_argument", "name", "`name`"],
  ["deleteConfig", { configId: 7 }, "argument_type", "configId", "a string"],
  ["listMcpConnectedAccounts", { configId: "cfg_1" }, "argument_missing", "identifier", "`identifier`"],
  ["listMcpConnectedAccounts", { ...target, includeAuthLink: "yes" }, "argument_type", "includeAuthLink", "boolean"],
  ["createSessionToken", { identifier: "u" }, "argument_missing", "configId", "`configId`"],
  ["createSessionToken", { ...target, connectionName: "gmail" }, "target_ambiguous", "connectionName", "`connectionName`"],
  ["createSessionToken", { ...target, identifier: "x".repeat(256) }, "identifier_invalid", "identifier", "255"],
  ["createSessionToken", { ...target, expirySeconds: 59 }, "expiry_out_of_range", "expirySeconds", "60"],
  ["createSessionToken", { ...target, expirySeconds: -60 }, "expiry_out_of_range", "expirySeconds", "-60"],
  ["createSessionToken", { ...target, expirySeconds: Number.NaN }, "argument_type", "expirySeconds", "got NaN"],
  ["createSessionToken", { ...target, expirySeconds: Infinity }, "argument_type", "expirySeconds", "got Infinity"],
  ["createSessionToken", { ...target, expirySeconds: "3600" }, "argument_type", "expirySeconds", "a number"],
  ["createSessionToken", { ...target, expirySeconds: new Date(0) }, "argument_type", "expirySeconds", "must not be a Date"],
  ["createSessionToken", { ...target, accessLevel: "WRITE" }, "access_level_invalid", "accessLevel", "READ_ONLY"],
  ["createSessionToken", { ...target, expiry: 3600 }, "unknown_argument", "expiry", "did you mean `expirySeconds`?"],
  ["openSession", { identifier: "u" }, "argument_missing", "configId", "`configId`"],
  ["openSession", { ...target, config: { id: "cfg_2" } }, "target_ambiguous", "configId", "not both"],
  ["openSession", { config: "cfg_1", identifier: "u" }, "argument_type", "config", "`configId`"],
  ["openSession", { config: {}, identifier: "u" }, "argument_type", "config", "`configId`"],
  ["openSession", { ...target, expirySeconds: 86_401 }, "expiry_out_of_range", "expirySeconds", "86"],
  ["getConfig", { configId: "cfg_1", name }, "target_ambiguous", "name", "`configId`"],
  ["getConfig", { name: "Not This" }, "config_name_invalid", "name", "name"],
  ["ensureConfig", {}, "argument_missing", "name", "`name`"],
  ["ensureConfig", { name, connection_tool_mappings: [gmail] }, "unknown_argument", "connection_tool_mappings", "did you mean `connectionToolMappings`?"],
  ["ensureConfig", { name, connectionToolMappings: [{ ...gmail, tols: [] }] }, "unknown_argument", "connectionToolMappings[0].tols", "did you mean `tools`?"],
  ["ensureConfig", { name, connectionToolMappings: null }, "argument_type", "connectionToolMappings", "must not be null"],
  ["waitUntilActive", { configId: "cfg_1" }, "argument_missing", "identifier", "`identifier`"],
  ["waitUntilActive", { ...target, connectionNames: "gmail" }, "argument_type", "connectionNames", "a list"],
  ["waitUntilActive", { ...target, connectionNames: [] }, "argument_type", "connectionNames", "at least one"],
  ["waitUntilActive", { ...target, connectionNames: null }, "argument_type", "connectionNames", "must not be null"],
  ["waitUntilActive", { ...target, conectionNames: ["gmail"] }, "unknown_argument", "conectionNames", "did you mean `connectionNames`?"],
  ["ensureInstance", { configName: name }, "argument_missing", "userIdentifier", "`userIdentifier`"],
  ["ensureInstance", { configNme: name, userIdentifier: "u" }, "unknown_argument", "configNme", "did you mean `configName`?"],
  ["updateInstance", { instanceId: "inst_1" }, "argument_missing", "name", "`configName`"],
  ["updateInstance", { instanceId: "inst_1", name: null }, "argument_type", "name", "must not be null"],
  ["getInstance", { instance_id: "inst_1" }, "unknown_argument", "instance_id", "did you mean `instanceId`?"],
  ["listInstances", { pageSize: 31 }, "page_size_out_of_range", "pageSize", "`pageSize`"],
  ["listInstances", { filterConfigNme: name }, "unknown_argument", "filterConfigNme", "did you mean `filterConfigName`?"],
  ["deleteInstance", {}, "argument_missing", "instanceId", "`instanceId`"],
  ["getInstanceAuthState", { instanceId: "inst_1", includeAuthLink: true }, "unknown_argument", "includeAuthLink", "did you mean `includeAuthLinks`?"],
  ["getAuthorizationLink", {}, "argument_missing", "connectedAccountId", "`connectionName`"],
  ["getAuthorizationLink", { ...account, state: 5 }, "argument_type", "state", "a string"],
  ["getAuthorizationLink", { ...account, userVerifyUrl: "app.example" }, "user_verify_url_invalid", "userVerifyUrl", "`userVerifyUrl`"],
  ["getAuthorizationLink", { ...account, userVerifyUrl: new URL("https://app.example") }, "argument_type", "userVerifyUrl", "must not be a URL"],
  ["getAuthorizationLink", { ...account, user_verify_url: "https://app.example" }, "unknown_argument", "user_verify_url", "did you mean `userVerifyUrl`?"],
  ["verifyConnectedAccountUser", { identifier: "u" }, "argument_missing", "authRequestId", "`authRequestId`"],
  ["verifyConnectedAccountUser", { authRequestId: "r", identifer: "u" }, "unknown_argument", "identifer", "did you mean `identifier`?"],
  ["listConnectedAccounts", { connectionName: "gmail", connectionNames: ["crm"] }, "target_ambiguous", "connectionNames", "`connectionName`"],
  ["listConnectedAccounts", { connectionNames: ["gmail", 5] }, "argument_type", "connectionNames[1]", "a string"],
  ["listConnectedAccounts", { connectionNames: new Set(["gmail"]) }, "argument_type", "connectionNames", "must not be a Set"],
  ["getConnectedAccount", { connectionName: "gmail" }, "argument_missing", "identifier", "`identifier`"],
  ["getConnectedAccount", { connectedAccountId: "conn_1" }, "id_invalid", "connectedAccountId", "`connectedAccountId`"],
  ["getConnectedAccountDetails", { connectedAccount: "ca_1" }, "unknown_argument", "connectedAccount", "did you mean `connectedAccountId`?"],
  ["deleteConnectedAccount", { connectedAccountId: null }, "argument_type", "connectedAccountId", "must not be null"],
  ["createConnectedAccount", { identifier: "u" }, "argument_missing", "connectionName", "`connectionName`"],
  ["createConnectedAccount", { ...account, authorizationDetails: "hunter2" }, "argument_type", "authorizationDetails", "`authorizationDetails`"],
  ["createConnectedAccount", { ...account, authorizationDetails: { key: "hunter2" } }, "authorization_details_invalid", "authorizationDetails", "`oauth_token`"],
  ["createConnectedAccount", { ...account, authorizationDetails: null }, "argument_type", "authorizationDetails", "must not be null"],
  ["createConnectedAccount", { ...account, apiConfig: new Map() }, "argument_type", "apiConfig", "must not be a Map"],
  ["createConnectedAccount", { ...account, apiConfig: { since: new Date(0) } }, "argument_type", "apiConfig.since", "must not be a Date"],
  ["createConnectedAccount", { ...account, api_config: {} }, "unknown_argument", "api_config", "did you mean `apiConfig`?"],
  ["getOrCreateConnectedAccount", { ...account, organisationId: "o" }, "unknown_argument", "organisationId", "did you mean `organizationId`?"],
  ["getOrCreateConnectedAccount", { ...account, authorizationDetails: { oauth_token: {}, static_auth: { key: "hunter2" } } }, "authorization_details_invalid", "authorizationDetails", "`authorizationDetails`"],
  ["updateConnectedAccount", account, "argument_missing", "authorizationDetails", "`apiConfig`"],
  ["updateConnectedAccount", { ...account, userId: "x".repeat(33) }, "text_too_long", "userId", "32"],
  ["listTools", { toolName: "gmail_fetch_mails" }, "argument_type", "toolName", "a list"],
  ["listTools", { toolNames: ["gmail_fetch_mails"] }, "unknown_argument", "toolNames", "did you mean `toolName`?"],
  ["listTools", { query: "ab" }, "query_invalid", "query", "3"],
  ["listTools", { summary: "yes" }, "argument_type", "summary", "a boolean"],
  ["listTools", { pageSize: -1 }, "page_size_out_of_range", "pageSize", "`pageSize`"],
  ["listScopedTools", {}, "argument_missing", "identifier", "`identifier`"],
  ["listScopedTools", { identifier: "u", tool_names: [] }, "unknown_argument", "tool_names", "did you mean `toolNames`?"],
  ["listAvailableTools", { identifier: "u", pageSize: "5" }, "argument_type", "pageSize", "a whole number"],
];

for (const [method, parameters, code, argument, words] of CASES) {
  const shown = typeof parameters === "object" ? JSON.stringify(parameters, (_, value) => (typeof value === "bigint" ? `${value}n` : value)) : String(parameters);
  test(`${method}(${shown.slice(0, 90)}) is ${code}`, async () => {
    await assert.rejects((method in mcp ? mcp : client.actions)[method](parameters), (error) => {
      assert.equal(error.constructor, ScalekitValidationError);
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes("hunter2"));
      assert.deepEqual([error.code, error.argument, error.attempts], [code, argument, 0]);
      assert.ok(error.message.includes(words), error.message);
      return true;
    });
    assert.deepEqual(api.asked, []);
  });
}

const OPTIONS = [
  [{ timeout: 5 }, "unknown_argument", "timeout", "did you mean `timeoutMs`?"],
  [{ timeout_seconds: 5 }, "unknown_argument", "timeout_seconds", "did you mean `timeoutMs`?"],
  [{ timeoutMs: 0 }, "timeout_invalid", "timeoutMs", "`timeoutMs`"],
  [{ timeoutMs: -1 }, "timeout_invalid", "timeoutMs", "`timeoutMs`"],
  [{ timeoutMs: Number.NaN }, "argument_type", "timeoutMs", "got NaN"],
  [{ timeoutMs: "1000" }, "argument_type", "timeoutMs", "`timeoutMs`"],
  [{ maxRetries: -1 }, "max_retries_invalid", "maxRetries", "`maxRetries`"],
  [{ maxRetries: 1.5 }, "argument_type", "maxRetries", "a whole number"],
  [{ headers: { authorization: "x" } }, "header_invalid", "headers", "authorization"],
  [{ headers: { "a b": "x" } }, "header_invalid", "headers", "a b"],
  [{ headers: { a: 1 } }, "argument_type", "headers.a", "a string"],
  [{ headers: "a: b" }, "argument_type", "headers", "a string"],
  ["fast", "argument_type", "options", "a plain object"],
];
for (const [options, code, argument, words] of OPTIONS) {
  test(`options ${JSON.stringify(options)} are ${code}`, async () => {
    const wrong = { name: "ScalekitValidationError", code, argument };
    for (const call of [() => mcp.getConfig({ configId: "cfg_1" }, options), () => mcp.iterConfigs({}, options).next(), () => mcp.openSession(target, options)]) {
      await assert.rejects(call, wrong);
      await assert.rejects(call, (error) => error.message.includes(words));
    }
    assert.deepEqual(api.asked, []);
  });
}

const CLIENTS = [
  [{ envUrl: "http://env.example" }, "env_url_insecure", "envUrl", "`envUrl`"],
  [{ envUrl: "https://user:hunter2@env.example" }, "env_url_invalid", "envUrl", "`envUrl`"],
  [{ clientSecret: 5 }, "argument_type", "clientSecret", "`clientSecret`"],
  [{ clientSecret: "" }, "argument_missing", "clientSecret", "SCALEKIT_CLIENT_SECRET"],
  [{ client_secret: "hunter2" }, "unknown_argument", "client_secret", "did you mean `clientSecret`?"],
  [{ clientSercet: "hunter2" }, "unknown_argument", "clientSercet", "did you mean `clientSecret`?"],
  [{ connectTimeoutMs: 0 }, "timeout_invalid", "connectTimeoutMs", "`connectTimeoutMs`"],
  [{ timeoutMs: 1e300 }, "timeout_invalid", "timeoutMs", "`timeoutMs`"],
];
for (const [options, code, argument, words] of CLIENTS) {
  test(`a client with ${JSON.stringify(options)} is ${code}`, () => {
    assert.throws(
      () => new ScalekitClient({ ...api.options, ...options }),
      (error) => {
        assert.deepEqual([error.name, error.code, error.argument], ["ScalekitValidationError", code, argument]);
        assert.ok(error.message.includes(words), error.message);
        assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes("hunter2"));
        assert.match(error.stack, /bad-input\.test\.mjs/);
        return true;
      },
    );
  });
}

test("a closed client says so, also to a stream", async () => {
  const closed = new ScalekitClient(api.options);
  await closed.close();
  await closed.close();
  await assert.rejects(closed.actions.mcp.getConfig({ configId: "cfg_1" }), { constructor: ScalekitCancelledError, code: "client_closed" });
  await assert.rejects(closed.actions.mcp.iterConfigs().next(), { code: "client_closed" });
  assert.deepEqual(api.asked, []);
});

test("an engine refuses options that it does not know, wrong times, and all of it once closed", async () => {
  await assert.rejects(LocalEngine.start({ prot: 1 }), { name: "ScalekitValidationError", code: "engine_options_invalid", message: /`configToml`/ });
  await assert.rejects(LocalEngine.start({ config_toml: "" }), { code: "unknown_argument", message: /did you mean `configToml`\?/ });
  await assert.rejects(LocalEngine.start({ port: 70_000 }), { name: "ScalekitValidationError" });
  await assert.rejects(LocalEngine.start({ config: "/nowhere/vmcp.toml" }), { code: "engine_settings_invalid", message: /\/nowhere\/vmcp\.toml/ });
  const engine = await LocalEngine.start();
  for (const seconds of [-1, Number.NaN, Infinity, 1e12, "5", undefined]) {
    await assert.rejects(engine.advanceClock(seconds), { name: "ScalekitValidationError" });
  }
  await engine.close();
  await engine.close();
  for (const act of ["freezeClock", "reset"]) await assert.rejects(engine[act](), { name: "ScalekitCancelledError", code: "engine_closed" });
});

test("what could widen access or change nothing by mistake is refused before anything is sent", async () => {
  const { mcp } = new ScalekitClient({ envUrl: "http://127.0.0.1:9", clientId: "i", clientSecret: "s" }).actions;
  const mapping = (tools) => ({ name: "a", connectionToolMappings: [{ connectionName: "g", ...tools }] });
  const cases = [
    [mcp.createConfig(mapping({ tools: null })), "connectionToolMappings[0].tools"],
    [mcp.createConfig(mapping({ tools: undefined })), "connectionToolMappings[0].tools"],
    [mcp.createConfig(mapping({ tools: new Set(["a"]) })), "connectionToolMappings[0].tools"],
    [mcp.updateConfig({ configId: "c", description: null }), "description"],
    [mcp.updateConfig({ configId: "c", description: new Date(0) }), "description"],
    [mcp.getConfig({ configId: "c" }, { headers: new Headers({ traceparent: "x" }) }), "headers"],
    [mcp.getConfig({ configId: "c" }, { headers: new Map() }), "headers"],
    [mcp.listConfigs({}, AbortSignal.abort()), "options"],
    [mcp.getConfig({ configId: "c" }, []), "options"],
  ];
  for (const [call, argument] of cases) {
    await assert.rejects(call, (error) => error.code === "argument_type" && error.argument === argument, argument);
  }
});
