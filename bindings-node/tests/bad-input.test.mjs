// What a caller may get wrong: the right error, naming what the caller wrote, before any request.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, afterEach, before, test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";

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

/** Objects in objects. */
function nested(levels) {
  let value = {};
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? { inner: value } : [value];
  return value;
}

/** An object that holds itself, twice. */
function itself() {
  const value = { list: [] };
  value.list.push(value, value);
  return value;
}

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
  ["createConfig", Symbol("agent"), "argument_type", "parameters", "symbol"],
  ["createConfig", Number.NaN, "argument_type", "parameters", "got NaN"],
  ["createConfig", new Map(), "argument_type", "parameters", "must not be a Map"],
  ["createConfig", { name: "agent\ud800" }, "argument_type", "name", "half a character"],
  ["createConfig", { name, ["na\udfffme"]: 1 }, "argument_type", "na\ufffdme", "half a character"],
  ["createConfig", { name, connectionToolMappings: [gmail, gmail, { ...gmail, tools: 5n }] }, "argument_type", "connectionToolMappings[2].tools", "bigint"],
  ["createConfig", { name, connectionToolMappings: [{ ...gmail, tools: ["a", undefined] }] }, "argument_type", "connectionToolMappings[0].tools[1]", "must not be undefined"],
  ["createConfig", { name, connectionToolMappings: [{ ...gmail, tools: new Array(4e9) }] }, "argument_type", "connectionToolMappings[0].tools[0]", "must not be undefined"],
  ["createConfig", { name, connectionToolMappings: [undefined] }, "argument_type", "connectionToolMappings[0]", "must not be undefined"],
  ["createConfig", { name, connectionToolMappings: { length: 1, 0: gmail } }, "argument_type", "connectionToolMappings", "a list"],
  ["createConfig", { name, connectionToolMappings: [Object.create(gmail)] }, "argument_type", "connectionToolMappings[0]", "a prototype of its own"],
  ["createConfig", { name, connectionToolMappings: [JSON.parse(`{"connectionName":"gmail","__proto__":{"tools":["a"]}}`)] }, "unknown_argument", "connectionToolMappings[0].__proto__", "__proto__"],
  ["createConfig", JSON.parse(`{"name":"agent","constructor":{"prototype":{}}}`), "unknown_argument", "constructor", "constructor"],
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
  ["searchConnectedAccounts", {}, "argument_missing", "query", "`query`"],
  ["searchConnectedAccounts", { query: "gmail", connection_id: "conn_1" }, "unknown_argument", "connection_id", "did you mean `connectionId`?"],
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
  ["createConnectedAccount", { ...account, apiConfig: { list: [1, { big: 5n }] } }, "argument_type", "apiConfig.list[1].big", "bigint"],
  ["createConnectedAccount", { ...account, apiConfig: { list: [undefined] } }, "argument_type", "apiConfig.list[0]", "must not be undefined"],
  ["createConnectedAccount", { ...account, apiConfig: { toJSON: () => "hunter2" } }, "argument_type", "apiConfig.toJSON", "function"],
  ["createConnectedAccount", { ...account, apiConfig: { text: "\udc00" } }, "argument_type", "apiConfig.text", "half a character"],
  ["createConnectedAccount", { ...account, apiConfig: nested(200) }, "argument_type", "apiConfig", "levels"],
  ["createConnectedAccount", { ...account, apiConfig: nested(100_000) }, "argument_type", "apiConfig", "levels"],
  ["createConnectedAccount", { ...account, apiConfig: itself() }, "argument_type", "apiConfig", "holds itself"],
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
  const shown = inspect(parameters, { breakLength: Infinity, compact: 9, depth: 3, maxArrayLength: 2 }).slice(0, 90);
  test(`${method}(${shown}) is ${code} of \`${argument}\``, async () => {
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
  [{ headers: { a: "\ud800" } }, "argument_type", "headers.a", "half a character"],
  [{ headers: { a: null } }, "argument_type", "headers.a", "a string"],
  [{ maxRetries: 1n }, "argument_type", "maxRetries", "bigint"],
  ["fast", "argument_type", "options", "a plain object"],
  [[], "argument_type", "options", "a plain object"],
  [5, "argument_type", "options", "a plain object"],
  [new Map(), "argument_type", "options", "a plain object"],
  [AbortSignal.abort(), "argument_type", "options", "a plain object"],
];
for (const [options, code, argument, words] of OPTIONS) {
  test(`options ${inspect(options, { breakLength: Infinity })} are ${code}`, async () => {
    const wrong = { name: "ScalekitValidationError", code, argument };
    for (const call of [
      () => mcp.getConfig({ configId: "cfg_1" }, options),
      () => mcp.iterConfigs({}, options).next(),
      () => mcp.openSession(target, options),
      () => mcp.waitUntilActive(target, options),
      () => mcp.waitUntilActive(target, options)[Symbol.asyncIterator]().next(),
    ]) {
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
  [{ maxRetries: Number.NaN }, "argument_type", "maxRetries", "got NaN"],
  [{ clientSecret: "hunter2\ud800" }, "argument_type", "clientSecret", "half a character"],
  [{ clientSecret: null }, "argument_type", "clientSecret", "must not be null"],
  [{ language: "hunter2" }, "unknown_argument", "language", "`language`"],
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

test("what is no object is no options of a client", () => {
  for (const make of [(options) => new ScalekitClient(options), (options) => LocalEngine.prototype.client.call({ ...api.options }, options)]) {
    for (const options of [5, "https://env.example", [], new Map(), Symbol("options"), () => {}]) {
      assert.throws(() => make(options), { name: "ScalekitValidationError", code: "argument_type", argument: "options" });
    }
  }
});

test("a closed client says so, whatever it is asked for", async () => {
  const closed = new ScalekitClient(api.options);
  await closed.close();
  await closed.close();
  const { mcp } = closed.actions;
  for (const call of [
    () => mcp.getConfig({ configId: "cfg_1" }),
    () => mcp.getConfig({ configId: "cfg_1" }, { timeoutMs: 5 }),
    () => mcp.iterConfigs().next(),
    () => mcp.openSession(target),
    () => mcp.waitUntilActive(target),
    () => mcp.waitUntilActive(target)[Symbol.asyncIterator]().next(),
    () => closed.actions.listTools(),
  ]) {
    await assert.rejects(call, { constructor: ScalekitCancelledError, code: "client_closed" });
  }
  assert.deepEqual(api.asked, []);
});

/** What throws when it is looked at. */
const thrown = new Error("hunter2: from a getter of the user");
const throwing = (key, rest = {}) =>
  Object.defineProperty({ ...rest }, key, {
    enumerable: true,
    get() {
      throw thrown;
    },
  });
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};
const proxyThat = (trap) =>
  new Proxy({}, {
    [trap]() {
      throw thrown;
    },
  });

const THROWING = [
  ["a getter", "createConfig", [throwing("name")], "name"],
  ["a getter further in", "createConfig", [{ name, connectionToolMappings: [gmail, gmail, throwing("tools", { connectionName: "gmail" })] }], "connectionToolMappings[2].tools"],
  ["a getter in a list", "createConfig", [{ name, connectionToolMappings: new Proxy([gmail], { get: (list, key) => (key === "0" ? throwing("x").x : list[key]) }) }], "connectionToolMappings[0]"],
  ["a getter in a free map", "createConnectedAccount", [{ ...account, apiConfig: { a: [throwing("b")] } }], "apiConfig.a[0].b"],
  ["a getter for the config", "openSession", [throwing("config", { identifier: "u" })], "config"],
  ["a getter of the config", "openSession", [{ identifier: "u", config: throwing("id") }], "config.id"],
  ["a getter of the config's URL", "openSession", [{ identifier: "u", config: throwing("mcpServerUrl", { id: "cfg_1" }) }], "config.mcpServerUrl"],
  ["a getter in options", "getConfig", [{ configId: "cfg_1" }, throwing("timeoutMs")], "timeoutMs"],
  ["a getter for the signal", "getConfig", [{ configId: "cfg_1" }, throwing("signal")], "signal"],
  ["a getter in headers", "getConfig", [{ configId: "cfg_1" }, { headers: throwing("traceparent") }], "headers.traceparent"],
  ["a getter of the signal", "getConfig", [{ configId: "cfg_1" }, { signal: throwing("throwIfAborted") }], "signal"],
  ["a proxy without keys", "createConfig", [proxyThat("ownKeys")], "parameters"],
  ["a proxy without properties", "createConfig", [new Proxy({ name }, { get: () => { throw thrown; } })], "name"],
  ["a proxy without a prototype", "createConfig", [proxyThat("getPrototypeOf")], "parameters"],
  ["a proxy that was revoked", "createConfig", [revoked()], "parameters"],
  ["a proxy that was revoked, further in", "createConfig", [{ name, connectionToolMappings: [revoked()] }], "connectionToolMappings[0]"],
  ["a proxy that was revoked, as options", "getConfig", [{ configId: "cfg_1" }, revoked()], "options"],
  ["a proxy that was revoked, as signal", "getConfig", [{ configId: "cfg_1" }, { signal: revoked() }], "signal"],
];
for (const [what, method, parameters, argument] of THROWING) {
  test(`${what} that throws in ${method}: \`${argument}\` cannot be read`, async () => {
    await assert.rejects((method in mcp ? mcp : client.actions)[method](...parameters), (error) => {
      assert.deepEqual([error.name, error.code, error.argument, error.attempts], ["ScalekitValidationError", "argument_type", argument, 0]);
      assert.ok(error.cause === undefined || error.cause === thrown || error.cause instanceof TypeError);
      assert.ok(!`${error.stack}${JSON.stringify(error)}`.includes("hunter2"));
      return true;
    });
    assert.deepEqual(api.asked, []);
  });
}

test("what a getter threw is the cause", async () => {
  await assert.rejects(mcp.createConfig(throwing("name")), (error) => error.cause === thrown);
});

test("objects of other realms, without a prototype and behind a proxy are objects like any other", async () => {
  for (const parameters of [
    runInNewContext(`({ configId: "cfg_1" })`),
    Object.assign(Object.create(null), { configId: "cfg_1" }),
    new Proxy({ configId: "cfg_1" }, {}),
    Object.freeze({ configId: "cfg_1", name: undefined }),
  ]) {
    assert.equal((await mcp.getConfig(parameters)).id, "cfg_1");
  }
  assert.equal(api.asked.length, 4);
});

test("each property is read once", async () => {
  const reads = {};
  const counted = (object) => new Proxy(object, {
    get(target, key) {
      reads[key] = (reads[key] ?? 0) + 1;
      return target[key];
    },
  });
  await mcp.getConfig(counted({ configId: "cfg_1" }), counted({ maxRetries: 0, headers: counted({ traceparent: "x" }), signal: new AbortController().signal }));
  assert.deepEqual(reads, { configId: 1, maxRetries: 1, headers: 1, signal: 1, traceparent: 1 });
});

/** Runs `work`, which does not wait, while every object has these properties too. */
function polluted(properties, work) {
  for (const [key, value] of Object.entries(properties)) {
    Object.defineProperty(Object.prototype, key, { value, configurable: true, enumerable: true, writable: true });
  }
  try {
    return work();
  } finally {
    for (const key of Object.keys(properties)) delete Object.prototype[key];
  }
}

test("what was added to `Object.prototype` is passed to nobody and found in nothing", async () => {
  const asked = [];
  const own = await startFakeApi((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text)).on("end", () => {
      asked.push([request.method, request.url, request.headers.traceparent, body]);
      config(response);
    });
  });
  const { errorFromText, settled } = createRequire(import.meta.url)("../dist/main.js");
  const calls = () => {
    const fresh = new ScalekitClient(own.options).actions.mcp;
    return {
      sent: [
        fresh.createConfig({ name, connectionToolMappings: [{ connectionName: "gmail" }] }, {}),
        fresh.updateConfig({ configId: "cfg_1", description: "more" }),
        fresh.iterConfigs({}, {}).next(),
        fresh.openSession({ configId: "cfg_1", identifier: "u" }).catch(() => {}),
      ],
      refused: fresh.getConfig({}).catch((error) => error),
      answer: settled({}, { ok: "an answer" }),
      error: errorFromText(JSON.stringify({ kind: "not_found", code: "not_found", message: "gone" }), undefined, () => []),
    };
  };
  const facts = (error) => [error.name, error.message, Object.hasOwn(error, "cause"), error.details, { ...error }];
  const outcome = async ({ sent, refused, answer, error }) => {
    await Promise.all(sent);
    return [asked.splice(0).sort(), facts(await refused), answer, facts(error)];
  };
  const expected = await outcome(calls());
  const found = await outcome(
    polluted(
      {
        tools: ["everything"], description: "theirs", connectionToolMappings: [], config: {}, configId: "cfg_2", configName: "x", language: 5, clientId: 5,
        signal: AbortSignal.abort(), headers: { traceparent: "theirs" }, timeoutMs: -1, maxRetries: -1,
        ok: "theirs", error: "theirs", type: "Date", explicit: true, secret: true, milliseconds: true, wire: "theirs",
        argument: "theirs", suggestion: "theirs", cause: "theirs", details: "theirs", status: 400, connections: [],
      },
      calls,
    ),
  );
  await own.stop();
  assert.equal(expected[0].length, 4);
  assert.deepEqual(found, expected);
});

test("what is changed during a call changes nothing", async () => {
  const bodies = [];
  const own = await startFakeApi((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text)).on("end", () => {
      bodies.push([request.method, request.url, request.headers.traceparent, body && JSON.parse(body).description]);
      config(response);
    });
  });
  const mine = new ScalekitClient(own.options);
  const parameters = { configId: "cfg_1", description: "before" };
  const options = { headers: { traceparent: "before" } };
  const call = mine.actions.mcp.updateConfig(parameters, options);
  parameters.configId = "cfg_2";
  parameters.description = Symbol("after");
  options.headers.traceparent = "after";
  options.signal = AbortSignal.abort();
  await call;
  const filter = { search: "before" };
  const items = mine.actions.mcp.iterConfigs(filter, { headers: options.headers });
  const wait = { ...target };
  const accounts = mine.actions.mcp.waitUntilActive(wait, { headers: options.headers, maxRetries: 0 });
  filter.search = 5;
  wait.configId = 5;
  options.headers.traceparent = "later";
  await items.next();
  await accounts.catch(() => {});
  await own.stop();
  assert.deepEqual(bodies[0].slice(1), ["/api/v1/mcp/configs/cfg_1", "before", "before"]);
  assert.match(bodies[1][1], /search=before/);
  assert.match(bodies[2][1], /cfg_1/);
  assert.deepEqual(bodies.slice(1).map(([, , traceparent]) => traceparent), ["after", "after"]);
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
  await assert.rejects(engine.waitFor({}, { timeoutMs: 5 }), { name: "ScalekitValidationError", code: "unknown_argument", argument: "timeoutMs" });
  await assert.rejects(engine.waitFor(throwing("count")), { name: "ScalekitValidationError", code: "argument_type", argument: "count" });
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
