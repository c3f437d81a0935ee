// The documented steps, in TypeScript: create, check, mint, pass to the agent, list, update, delete.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { ScalekitBadRequestError, ScalekitClient, ScalekitNotFoundError, type Config } from "scalekit-vmcp";
import type { LocalEngine } from "scalekit-vmcp/engine";

import { ask, authorize, startEngine } from "./engine.mjs";

let engine: LocalEngine;
let client: ScalekitClient;
let config: Config;
const identifier = "user_123";

before(async () => {
  engine = await startEngine();
  process.env["SCALEKIT_ENV_URL"] = engine.envUrl;
  process.env["SCALEKIT_CLIENT_ID"] = engine.clientId;
  process.env["SCALEKIT_CLIENT_SECRET"] = engine.clientSecret;
  client = ScalekitClient.fromEnv();
});
after(async () => {
  await client.close();
  await engine.close();
});

async function toolsOf(url: string, token: string): Promise<string[]> {
  const withToken = (at: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    return fetch(at, { ...init, headers });
  };
  const { status, body } = await ask(withToken, url, "tools/list");
  assert.equal(status, 200);
  return body.result?.tools.map((tool) => tool.name) ?? [];
}

test("create a Virtual MCP server", async () => {
  config = await client.actions.mcp.createConfig({
    name: "email-calendar-agent",
    connectionToolMappings: [
      { connectionName: "gmail", tools: ["gmail_fetch_mails"] },
      { connectionName: "googlecalendar", tools: ["googlecalendar_list_events", "googlecalendar_create_event"] },
    ],
  });
  assert.match(config.id, /^cfg_/);
  assert.ok(config.mcpServerUrl?.startsWith(engine.envUrl));
  assert.deepEqual(config.connectionToolMappings[0]?.tools, ["gmail_fetch_mails"]);
});

test("check that connections are active, and authorize those that are not", async () => {
  await assert.rejects(client.actions.mcp.createSessionToken({ configId: config.id, identifier }), ScalekitBadRequestError);
  const accounts = await client.actions.mcp.listMcpConnectedAccounts({ configId: config.id, identifier, includeAuthLink: true });
  const inactive = accounts.filter((account) => account.connectedAccountStatus !== "ACTIVE");
  assert.deepEqual(inactive.map((account) => account.connectionName), ["gmail"]);
  for (const account of inactive) {
    assert.ok(account.authenticationLink !== undefined);
    assert.equal(await authorize(account.authenticationLink), 200);
  }
  const now = await client.actions.mcp.listMcpConnectedAccounts({ configId: config.id, identifier });
  assert.deepEqual(now.map((account) => account.connectedAccountStatus), ["ACTIVE", "ACTIVE"]);
});

test("mint a session token and pass it to the agent", async () => {
  const { token, expiresAt } = await client.actions.mcp.createSessionToken({ configId: config.id, identifier, expirySeconds: 3600 });
  assert.ok(expiresAt instanceof Date && expiresAt.getTime() > Date.now());
  assert.deepEqual(await toolsOf(config.mcpServerUrl ?? "", token), [
    "gmail_fetch_mails",
    "googlecalendar_list_events",
    "googlecalendar_create_event",
  ]);
});

test("list servers, all of them and by name", async () => {
  const all = await client.actions.mcp.listConfigs();
  assert.deepEqual(all.configs, [config]);
  assert.equal(all.totalSize, 1);
  assert.deepEqual((await client.actions.mcp.listConfigs({ filterName: "email-calendar-agent" })).configs, [config]);
  assert.deepEqual((await client.actions.mcp.listConfigs({ filterName: "another" })).configs, []);
  assert.deepEqual(await client.actions.mcp.getConfig({ configId: config.id }), config);
});

test("update a server: a mapping of an answer may be changed and sent back", async () => {
  const [gmail, calendar] = config.connectionToolMappings;
  assert.ok(gmail !== undefined && calendar !== undefined);
  const updated = await client.actions.mcp.updateConfig({
    configId: config.id,
    connectionToolMappings: [
      { ...gmail, tools: [...(gmail.tools ?? []), "gmail_send_mail"] },
      { connectionName: calendar.connectionName },
    ],
  });
  assert.deepEqual(updated.connectionToolMappings.map(({ connectionName, tools }) => [connectionName, tools]), [
    ["gmail", ["gmail_fetch_mails", "gmail_send_mail"]],
    ["googlecalendar", undefined],
  ]);
  assert.equal(updated.mcpServerUrl, config.mcpServerUrl);
});

test("a session does it all in one step", async () => {
  await using own = engine.client();
  const session = await own.actions.mcp.openSession({ config, identifier, expirySeconds: 3600 });
  assert.equal(session.url, config.mcpServerUrl);
  assert.equal(session.identifier, identifier);
  const { body } = await ask(session.fetch, session.url, "tools/list");
  assert.equal(body.result?.tools.length, 4);
});

test("every config is found by following the pages", async () => {
  for (let index = 0; index < 25; index += 1) await client.actions.mcp.createConfig({ name: `role-${index}` });
  const names: string[] = [];
  for await (const { name } of client.actions.mcp.iterConfigs({ search: "role-" })) names.push(name);
  assert.equal(new Set(names).size, 25);
  for await (const { name } of client.actions.mcp.iterConfigs()) {
    assert.ok(name.length > 0);
    break;
  }
});

test("delete a server: it is gone", async () => {
  assert.equal(await client.actions.mcp.deleteConfig({ configId: config.id }), undefined);
  await assert.rejects(client.actions.mcp.getConfig({ configId: config.id }), ScalekitNotFoundError);
});
