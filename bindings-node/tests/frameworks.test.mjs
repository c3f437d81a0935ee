// What the functions for frameworks return, refuse and answer. The frameworks themselves connect in
// `tests/frameworks/node`, each in a folder of its own.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { inspect } from "node:util";

import { ScalekitAuthorizationRequiredError, ScalekitValidationError } from "scalekit-vmcp";
import * as frameworks from "scalekit-vmcp/frameworks";

import { ask, startEngine } from "../build/tests/engine.mjs";

/** Those that connect themselves, and the options that they know. */
const CONNECTING = {
  mcp: [],
  aiSdk: [],
  openaiAgents: ["name", "timeoutSeconds"],
  langchain: ["name", "timeoutSeconds"],
  mastra: ["name", "timeoutSeconds"],
  googleAdk: [],
};

let engine;
let client;
let mail;
before(async () => {
  engine = await startEngine();
  client = engine.client();
  mail = await client.actions.mcp.createConfig({ name: "mail", connectionToolMappings: [{ connectionName: "gmail" }] });
});
after(async () => {
  await client.close();
  await engine.close();
});

async function open(identifier) {
  await engine.seed({ accounts: [{ connectionName: "gmail", identifier, credential: "a-key" }] });
  return client.actions.mcp.openSession({ config: mail, identifier, expirySeconds: 3600 });
}

const letTokensExpire = () => engine.advanceClock(7200);
const mints = async () => (await engine.journal({ pathPrefix: `/api/v1/mcp/configs/${mail.id}/tokens`, method: "POST" })).length;
const post = (fetcher, url, message) => fetcher(url, {
  method: "POST",
  headers: { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25" },
  body: JSON.stringify(message),
});
const LIST = { jsonrpc: "2.0", id: "seven", method: "tools/list", params: {} };

test("every function has a check with the real framework, and an example", () => {
  const functions = Object.keys(frameworks).filter((name) => typeof frameworks[name] === "function" && name !== "module.exports");
  for (const name of Object.keys(CONNECTING)) assert.ok(functions.includes(name), name);
  for (const name of functions) {
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    for (const path of [`../../tests/frameworks/node/${kebab}/check.mts`, `../examples/frameworks/with-${kebab}.mts`]) {
      assert.ok(existsSync(new URL(path, import.meta.url)), path);
    }
  }
});

test("what is no session is refused, and so are options that break a rule", async () => {
  const session = await open("strict");
  for (const [name, known] of Object.entries(CONNECTING)) {
    const make = frameworks[name];
    for (const wrong of [undefined, null, "session", {}, { url: session.url, fetch }]) {
      assert.throws(() => make(wrong), { constructor: ScalekitValidationError, code: "argument_type", argument: "session" }, name);
    }
    if (known.length === 0) continue;
    assert.throws(() => make(session, { timeoutMs: 5 }), { code: "unknown_argument", argument: "timeoutMs" }, name);
    for (const options of [null, "name", [], new Map()]) {
      assert.throws(() => make(session, options), { code: "argument_type", argument: "options" }, name);
    }
    for (const wrong of [null, 5, ""]) assert.throws(() => make(session, { name: wrong }), { code: "argument_type", argument: "name" }, name);
    for (const wrong of [null, "60", Number.NaN, Infinity]) {
      assert.throws(() => make(session, { timeoutSeconds: wrong }), { code: "argument_type", argument: "timeoutSeconds" }, name);
    }
    for (const wrong of [0, -1, 1e10]) assert.throws(() => make(session, { timeoutSeconds: wrong }), { code: "timeout_invalid", argument: "timeoutSeconds" }, name);
  }
});

test("names and times arrive where the framework wants them", async () => {
  const session = await open("named");
  const options = { name: "mail", timeoutSeconds: 30 };
  const openai = frameworks.openaiAgents(session, options);
  assert.deepEqual([openai.name, openai.clientSessionTimeoutSeconds, openai.timeout], ["mail", 30, 30_000]);
  assert.equal(frameworks.openaiAgents(session).timeout, 300_000);
  const langchain = frameworks.langchain(session, options);
  assert.deepEqual([Object.keys(langchain.mcpServers), langchain.defaultToolTimeout], [["mail"], 30_000]);
  const mastra = frameworks.mastra(session, options);
  assert.deepEqual([Object.keys(mastra.servers), mastra.servers.mail.timeout], [["mail"], 30_000]);
  assert.notEqual(mastra.id, frameworks.mastra(session, options).id);
});

test("nothing that is returned shows the token", async () => {
  const session = await open("quiet");
  const { token } = await session.token();
  for (const name of Object.keys(CONNECTING)) {
    const made = frameworks[name](session);
    for (const text of [inspect(made, { depth: 9, showHidden: true }), JSON.stringify(made)]) assert.ok(!text.includes(token), name);
  }
});

test("a call is answered with the reason, in its own words and under its own id", async () => {
  const session = await open("dora");
  const [url, { fetch: fetcher }] = frameworks.mcp(session);
  assert.equal((await ask(fetcher, url, "tools/list")).body.result.tools.length, 2);
  await engine.setAccountStatus({ connectionName: "gmail", identifier: "dora", status: "DISCONNECTED" });
  await letTokensExpire();
  const answer = await post(fetcher, url, LIST);
  assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "application/json"]);
  const { jsonrpc, id, error } = await answer.json();
  assert.deepEqual([jsonrpc, id, error.code, error.data], ["2.0", "seven", -32000, { code: "authorization_required" }]);
  assert.match(error.message, /must authorize `gmail`/);
  assert.ok(!JSON.stringify(error).includes("http"), "a link is for the user only");
  // What is no call has no answer.
  const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
  await assert.rejects(post(fetcher, url, notification), { constructor: ScalekitAuthorizationRequiredError });
  await assert.rejects(fetcher(url), { constructor: ScalekitAuthorizationRequiredError });
  await engine.setAccountStatus({ connectionName: "gmail", identifier: "dora", status: "ACTIVE" });
  assert.equal((await ask(fetcher, url, "tools/list")).body.result.tools.length, 2);
});

test("a server that refuses every token is named as the reason", async () => {
  const session = await open("emil");
  const [url, { fetch: fetcher }] = frameworks.mcp(session);
  await engine.addFault({ path: "/mcp/*", status: 401 });
  const { error } = await (await post(fetcher, url, LIST)).json();
  assert.equal(error.data.code, "session_token_refused");
  assert.match(error.message, /`session\.check\(\)`/);
  assert.equal((await post(fetcher, url, { jsonrpc: "2.0", method: "notifications/initialized" })).status, 401);
  await engine.clearFaults();
  // An answer of the server's own is left alone.
  await engine.addFault({ path: "/mcp/*", status: 503 });
  assert.equal((await post(fetcher, url, LIST)).status, 503);
  await engine.clearFaults();
});

test("the token goes to the session's server only, and an abort stays an abort", async () => {
  const session = await open("frida");
  const [url, { fetch: fetcher }] = frameworks.mcp(session);
  const { error } = await (await post(fetcher, "http://127.0.0.1:1/mcp", LIST)).json();
  assert.equal(error.data.code, "wrong_origin");
  const reason = new Error("the user left");
  await assert.rejects(fetcher(url, { method: "POST", body: JSON.stringify(LIST), signal: AbortSignal.abort(reason) }), (error) => error === reason);
});

test("`authProvider` gives the token, and a new one after the server has refused it", async () => {
  const { token, onUnauthorized } = (await open("gustav")).authProvider;
  await onUnauthorized();
  const before = await mints();
  const old = await token();
  assert.equal(await token(), old);
  assert.equal(await mints(), before);
  await Promise.all([onUnauthorized(), onUnauthorized()]);
  assert.notEqual(await token(), old);
  assert.equal(await mints(), before + 1);
  await engine.setAccountStatus({ connectionName: "gmail", identifier: "gustav", status: "DISCONNECTED" });
  await assert.rejects(onUnauthorized(), { constructor: ScalekitAuthorizationRequiredError });
});

test("an OAuth provider needs no authorization server", async () => {
  const session = await open("hedwig");
  const { authProvider: provider } = frameworks.langchain(session).mcpServers.scalekit;
  const { access_token: old } = await provider.tokens();
  assert.equal(old, (await session.token()).token);
  const { authorizationServerMetadata } = await provider.discoveryState();
  const answer = await fetch(authorizationServerMetadata.token_endpoint, { method: "POST", body: provider.prepareTokenRequest() });
  assert.deepEqual(await answer.json(), { access_token: "replaced", token_type: "none" });
  const { access_token: fresh } = await provider.tokens();
  assert.notEqual(fresh, old);
  assert.equal(fresh, (await session.token()).token);
});
