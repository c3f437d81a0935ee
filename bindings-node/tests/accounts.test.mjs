// Connected accounts and tools: what comes back, what stays as it is, and what logs may show.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect } from "node:util";

import { ScalekitClient } from "scalekit-vmcp";

import { startFakeApi } from "./fake-api.mjs";

const account = { connectionName: "gmail", identifier: "user_123" };
const details = { oauth_token: { access_token: "hunter2", scopes: ["mail.read"], refresh_token: null } };
const apiConfig = { sub_domain: "acme", maxRows: 5, nothing: null };

let api;
let actions;
/** What the next request is answered with, and the body that came with it. */
let answer;
let sent;
before(async () => {
  api = await startFakeApi((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => (body += text));
    request.on("end", () => {
      sent = body === "" ? undefined : JSON.parse(body);
      response.end(JSON.stringify(answer));
    });
  });
  ({ actions } = new ScalekitClient(api.options));
});
after(() => api.stop());

function assertHidden(...values) {
  for (const value of values) {
    for (const text of [inspect(value, { depth: 9 }), JSON.stringify(value), String(value)]) assert.ok(!text.includes("hunter2"), text);
  }
}

test("credentials can be read, and neither `console.log` nor JSON shows them", async () => {
  answer = { connected_account: { id: "ca_1", connector: "gmail", identifier: "user_123", status: "active", authorization_details: details, api_config: apiConfig } };
  for (const call of [
    () => actions.getConnectedAccount(account),
    () => actions.createConnectedAccount({ ...account, authorizationDetails: details }),
    () => actions.getOrCreateConnectedAccount({ ...account, authorizationDetails: details }),
    () => actions.updateConnectedAccount({ connectedAccountId: "ca_1", authorizationDetails: details }),
  ]) {
    const found = await call();
    assert.deepEqual(found.authorizationDetails, details);
    assert.deepEqual(JSON.parse(JSON.stringify(found)), { id: "ca_1", ...account, status: "ACTIVE", apiConfig });
    assertHidden(found, [found], actions);
  }
});

test("the user's own maps keep their keys and what is `null` in them", async () => {
  answer = { connected_account: { id: "ca_1", api_config: apiConfig } };
  const { apiConfig: found } = await actions.updateConnectedAccount({ ...account, authorizationDetails: details, apiConfig });
  assert.deepEqual(found, apiConfig);
  assert.deepEqual(sent.connected_account, { authorization_details: details, api_config: apiConfig });
});

test("a link can be read, and neither `console.log` nor JSON shows it", async () => {
  answer = { link: "https://env.example/hunter2", expiry: "2026-01-01T00:01:00Z" };
  const made = await actions.getAuthorizationLink({ connectedAccountId: "ca_1" });
  assert.equal(made.link, "https://env.example/hunter2");
  assert.equal(made.expiry.getTime(), Date.UTC(2026, 0, 1, 0, 1));
  assertHidden(made);
});

test("the links of an instance are hidden too", async () => {
  answer = { connections: [{ connection_name: "gmail", authentication_link: "https://env.example/hunter2" }] };
  const states = await actions.mcp.getInstanceAuthState({ instanceId: "inst_1", includeAuthLinks: true });
  assert.equal(states[0].authenticationLink, "https://env.example/hunter2");
  assertHidden(states);
});

test("a page holds its accounts and the cursors", async () => {
  answer = { connected_accounts: [{ connector: "gmail", identifier: "u", status: "NEW_KIND", last_used_at: "2026-01-01T00:00:00Z" }], total_size: 3, next_page_token: "two" };
  const page = await actions.listConnectedAccounts();
  assert.deepEqual([page.totalSize, page.nextPageToken, page.prevPageToken], [3, "two", undefined]);
  assert.deepEqual(page.connectedAccounts, [{ connectionName: "gmail", identifier: "u", status: "NEW_KIND", lastUsedAt: new Date(Date.UTC(2026, 0, 1)) }]);
});

test("what describes a tool is as the server has it", async () => {
  const definition = { name: "gmail_fetch_mails", input_schema: { type: "object", properties: { max_results: {} }, default: null } };
  answer = { tools: [{ id: "tool_1", definition, metadata: { aB_c: null }, is_default: true }], tool_names: [], total_size: 1 };
  const [tool] = (await actions.listTools()).tools;
  assert.deepEqual(tool, { id: "tool_1", definition, metadata: { aB_c: null }, tags: [], isDefault: true });
  answer = { tools: [{ tool: answer.tools[0], identifier: "u", connected_account_id: "ca_1" }], total_size: 1 };
  const [scoped] = (await actions.listScopedTools({ identifier: "u" })).tools;
  assert.deepEqual(scoped, { tool, identifier: "u", connectedAccountId: "ca_1" });
});

test("what is deleted answers with nothing", async () => {
  answer = {};
  assert.equal(await actions.deleteConnectedAccount(account), undefined);
  assert.equal(await actions.mcp.deleteInstance({ instanceId: "inst_1" }), undefined);
});
