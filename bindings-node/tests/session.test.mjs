// Sessions, the hook for MCP clients, streams, and what logs may show.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { inspect } from "node:util";

import { ScalekitAuthorizationRequiredError, ScalekitClient, ScalekitValidationError } from "scalekit-vmcp";

import { ask, authorize, startEngine } from "../build/tests/engine.mjs";
import { config as answerConfig, startFakeApi } from "./fake-api.mjs";

let engine;
let client;
let calendar;
let mail;
before(async () => {
  engine = await startEngine();
  client = engine.client();
  calendar = await client.actions.mcp.createConfig({ name: "calendar", connectionToolMappings: [{ connectionName: "googlecalendar" }] });
  mail = await client.actions.mcp.createConfig({ name: "mail", connectionToolMappings: [{ connectionName: "gmail" }] });
});
after(async () => {
  await client.close();
  await engine.close();
});

const open = (parameters = {}) => client.actions.mcp.openSession({ config: calendar, identifier: "alice", ...parameters });

test("a session is opened by config, by id and by connection", async () => {
  assert.equal((await open()).url, calendar.mcpServerUrl);
  assert.equal((await client.actions.mcp.openSession({ configId: calendar.id, identifier: "alice" })).url, calendar.mcpServerUrl);
  const direct = await client.actions.mcp.openSession({ connectionName: "googlecalendar", identifier: "alice" });
  assert.ok(direct.url.endsWith("/googlecalendar"));
  assert.equal((await ask(direct.fetch, direct.url, "tools/list")).body.result.tools.length, 2);
});

test("a read-only session shows read-only tools", async () => {
  const session = await open({ accessLevel: "READ_ONLY" });
  const { body } = await ask(session.fetch, session.url, "tools/list");
  assert.deepEqual(body.result.tools.map(({ name }) => name), ["googlecalendar_list_events"]);
});

test("a check reports the tools and what may surprise", async () => {
  const report = await (await open()).check();
  assert.deepEqual(report.tools.map(({ name, readOnly }) => [name, readOnly]), [
    ["googlecalendar_list_events", true],
    ["googlecalendar_create_event", false],
  ]);
  assert.match(report.protocolVersion, /^\d{4}-\d\d-\d\d$/);
  assert.equal(report.schemaBytes, report.tools[0].schemaBytes + report.tools[1].schemaBytes);
  assert.ok(report.estimatedTokens > 0);
  assert.deepEqual([report.missingTools, report.warnings], [[], []]);
  const { warnings } = await (await open({ accessLevel: "READ_ONLY" })).check();
  assert.deepEqual(warnings.map(({ code }) => code), ["read_only"]);
});

test("a check can be aborted, and says what is wrong at its own call", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const asked = once(server, "request");
  const url = `http://127.0.0.1:${server.address().port}/mcp`;
  const session = await open({ config: { id: calendar.id, mcpServerUrl: url } });
  const controller = new AbortController();
  const reason = new Error("the user left");
  const checking = session.check({ signal: controller.signal });
  const gone = once((await asked)[0].socket, "close");
  controller.abort(reason);
  await assert.rejects(checking, (error) => error === reason);
  await gone;
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(session.check({ timeoutMs: 5 }), { code: "unknown_argument", argument: "timeoutMs" });
  await assert.rejects(session.check("now"), { code: "argument_type", argument: "options" });
  await assert.rejects(session.check(), (error) => {
    assert.deepEqual([error.name, error.code], ["ScalekitConnectionError", "mcp_unreachable"]);
    assert.match(error.stack, /session\.test\.mjs/);
    return true;
  });
});

test("what the user must authorize first is in the error", async () => {
  const error = await client.actions.mcp.openSession({ config: mail, identifier: "bob" }).catch((error) => error);
  assert.equal(error.constructor, ScalekitAuthorizationRequiredError);
  assert.deepEqual(error.connections.map((state) => state.connectionName), ["gmail"]);
  assert.equal(await authorize(error.connections[0].authenticationLink), 200);
  await client.actions.mcp.openSession({ config: mail, identifier: "bob" });
});

test("token, headers and the value for a URL are one credential; other servers do not get it", async () => {
  const session = await open();
  const { token, expiresAt } = await session.token();
  assert.ok(expiresAt instanceof Date);
  assert.equal((await session.token({ validForSeconds: 60 })).token, token);
  await assert.rejects(session.token({ validForSeconds: 3601 }), { code: "valid_for_too_long", argument: "validForSeconds" });
  await assert.rejects(session.token({ validForSeconds: "60" }), { code: "argument_type", argument: "validForSeconds" });
  await assert.rejects(session.token({ validForSecond: 60 }), { code: "unknown_argument", argument: "validForSecond" });
  assert.deepEqual(await session.headers(), { authorization: `Bearer ${token}` });
  assert.equal(await session.authorizationFor(session.url), `Bearer ${token}`);
  assert.equal(await session.authorizationFor(new URL(session.url)), `Bearer ${token}`);
  for (const url of ["https://other.example/mcp", new URL("http://127.0.0.1:1/")]) {
    await assert.rejects(session.authorizationFor(url), { constructor: ScalekitValidationError, code: "wrong_origin" });
    await assert.rejects(session.fetch(url), { code: "wrong_origin" });
  }
  await assert.rejects(session.authorizationFor("no url"), { code: "argument_type", argument: "url" });
  await assert.rejects(session.authorizationFor(5), { code: "argument_type", argument: "url" });
  await assert.rejects(session.rejected(undefined), { code: "argument_missing", argument: "credential" });
  await assert.rejects(session.rejected(5), { code: "argument_type", argument: "credential" });
});

test("a rejected credential is replaced once; one that was replaced already is not", async () => {
  const session = await open();
  const old = await session.headers();
  await session.rejected(old.authorization);
  const fresh = await session.token();
  assert.notEqual(`Bearer ${fresh.token}`, old.authorization);
  await session.rejected(old.authorization);
  assert.equal((await session.token()).token, fresh.token);
});

test("`fetch` rides over the expiry of a token, the body is sent again", async () => {
  const session = await open({ expirySeconds: 3600 });
  const { token } = await session.token();
  await engine.advanceClock(7200);
  assert.equal((await ask(session.fetch, session.url, "tools/list")).status, 200);
  assert.notEqual((await session.token()).token, token);
});

test("`fetch` repeats once: a server that refuses every token is believed", async () => {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    request.resume().on("end", () => response.writeHead(401).end("no"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let minted = 0;
  const api = await startFakeApi((request, response) => {
    if (request.method === "POST") response.end(JSON.stringify({ token: `t.${(minted += 1)}`, expires_at: "2100-01-01T00:00:00Z" }));
    else answerConfig(response);
  });
  const own = new ScalekitClient(api.options);
  const url = `http://127.0.0.1:${server.address().port}/mcp`;
  const session = await own.actions.mcp.openSession({ config: { id: "cfg_1", mcpServerUrl: url }, identifier: "u" });
  const { fetch: bare } = session;
  const response = await bare(url, { method: "POST", body: "x" });
  assert.deepEqual([response.status, await response.text()], [401, "no"]);
  assert.deepEqual(seen, ["Bearer t.1", "Bearer t.2"]);
  server.closeAllConnections();
  server.close();
  await api.stop();
});

test("leaving a list early ends the request under way and sends no more", async () => {
  const api = await startFakeApi((_, response) => {
    response.end(JSON.stringify({ configs: [{ id: "cfg_1", name: "a" }, { id: "cfg_2", name: "b" }], next_page_token: "two" }));
  });
  const own = new ScalekitClient(api.options);
  const items = own.actions.mcp.iterConfigs();
  assert.deepEqual(api.asked, []);
  for await (const { id } of items) {
    assert.equal(id, "cfg_1");
    break;
  }
  assert.deepEqual(await items.next(), { done: true, value: undefined });
  assert.equal(api.asked.length, 1);
  await api.stop();
});

test("neither `console.log` nor JSON shows a secret", async () => {
  const session = await open();
  const token = await session.token();
  const [state] = await client.actions.mcp.listMcpConnectedAccounts({ configId: mail.id, identifier: "carol", includeAuthLink: true });
  assert.ok(state.authenticationLink.startsWith("http"));
  const secrets = [token.token, engine.clientSecret, state.authenticationLink];
  for (const value of [client, client.actions, client.actions.mcp, session, engine, token, state]) {
    for (const text of [inspect(value, { depth: 9, showHidden: false }), JSON.stringify(value), String(value)]) {
      for (const secret of secrets) assert.ok(!text.includes(secret), text);
    }
  }
  assert.equal(inspect(session), `Session {\n  url: '${session.url}',\n  identifier: 'alice'\n}`);
  assert.equal(JSON.stringify(client), JSON.stringify({ envUrl: client.envUrl }));
});

test("the clock can be frozen and the engine emptied", async () => {
  const own = await startEngine();
  await own.freezeClock();
  const mine = own.client();
  const created = await mine.actions.mcp.createConfig({ name: "a", connectionToolMappings: [{ connectionName: "googlecalendar" }] });
  const mint = () => mine.actions.mcp.createSessionToken({ configId: created.id, identifier: "u" });
  const [first, second] = [await mint(), await mint()];
  assert.equal(first.expiresAt.getTime(), second.expiresAt.getTime());
  await own.advanceClock(90);
  assert.equal((await mint()).expiresAt.getTime() - first.expiresAt.getTime(), 90_000);
  await own.reset();
  await own.close();
  await assert.rejects(mine.actions.mcp.listConfigs({}, { maxRetries: 0 }), { name: "ScalekitConnectionError" });
});
