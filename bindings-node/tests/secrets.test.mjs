// Every object that the package hands out: what logs, JSON, clones and copies of it show.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { format, inspect } from "node:util";

import * as sdk from "scalekit-vmcp";
import * as local from "scalekit-vmcp/engine";

import { startEngine } from "../build/tests/engine.mjs";

let engine;
let client;
before(async () => {
  engine = await startEngine();
  client = engine.client();
});
after(async () => {
  await client.close();
  await engine.close();
});

/** What a program may do with an object that it wants to see or to send, as texts. */
function shownBy(value) {
  const texts = [inspect(value, { depth: 9 }), format("%o %s %j", { value }, value, value), JSON.stringify(value), String(value), JSON.stringify({ ...value })];
  try {
    texts.push(inspect(structuredClone(value), { depth: 9 }));
  } catch (error) {
    // Handles cannot be cloned.
    assert.equal(error.name, "DataCloneError");
  }
  return texts.join("\n");
}

test("nothing that the package hands out shows a secret", async () => {
  const { actions } = client;
  const { mcp } = actions;
  const mail = await mcp.createConfig({ name: "mail", connectionToolMappings: [{ connectionName: "gmail" }] });
  const calendar = await mcp.createConfig({ name: "calendar", connectionToolMappings: [{ connectionName: "googlecalendar" }] });
  const alice = { connectionName: "gmail", identifier: "alice" };

  const link = await actions.getAuthorizationLink({ ...alice, userVerifyUrl: "https://app.example/verify", state: "s" });
  const [open] = await engine.authLinks();
  const completed = await engine.completeAuthLink({ linkId: open.id, credential: "hunter2-the-key" });
  const verified = await actions.verifyConnectedAccountUser({ authRequestId: new URL(completed.verifyUrl).searchParams.get("auth_request_id"), identifier: "alice" });
  const account = await actions.getConnectedAccount(alice);
  const bob = { configId: mail.id, identifier: "bob" };
  const wait = mcp.waitUntilActive(bob);
  const changes = wait[Symbol.asyncIterator]();
  const change = (await changes.next()).value;
  await changes.return();
  const states = await mcp.listMcpConnectedAccounts({ ...bob, includeAuthLink: true });
  const required = await mcp.openSession(bob).catch((error) => error);
  const session = await mcp.openSession({ config: calendar, identifier: "alice" });
  const token = await session.token();
  const refused = await new sdk.ScalekitClient({ envUrl: engine.envUrl, clientId: engine.clientId, clientSecret: "hunter2-no-secret" }).actions.mcp.listConfigs().catch((error) => error);

  const secrets = {
    "the client's secret": engine.clientSecret,
    "a wrong secret": "hunter2-no-secret",
    "a credential": "hunter2-the-key",
    "an authorization link": link.link,
    "a link of a wait": change.authenticationLink,
    "a link of a list": states[0].authenticationLink,
    "a link of an error": required.connections[0].authenticationLink,
    "where a user is verified": completed.verifyUrl,
    "a session token": token.token,
  };
  for (const [what, secret] of Object.entries(secrets)) assert.ok(typeof secret === "string" && secret.length > 8, what);
  assert.ok(JSON.stringify(account.authorizationDetails).includes("hunter2-the-key"), "a caller can read what is not shown");

  const objects = {
    client, actions, mcp, engine, session, mail, link, completed, verified, account, changes, change, states, required, token, refused,
    configs: await mcp.listConfigs(),
    accounts: await actions.listConnectedAccounts(),
    report: await session.check(),
    links: await engine.authLinks(),
    faults: await engine.faults(),
    journal: await engine.journal(),
    error: await mcp.getConfig({ configId: "cfg_none" }).catch((error) => error),
  };
  assert.equal(refused.constructor, sdk.ScalekitUnauthorizedError);
  for (const [name, object] of Object.entries(objects)) {
    const text = shownBy(object);
    for (const [what, secret] of Object.entries(secrets)) assert.ok(!text.includes(secret), `${name} shows ${what}`);
  }
  // A wait is a promise: printing it starts nothing and shows nothing.
  assert.doesNotMatch(inspect(wait), /http/);
});

test("the classes and functions that are exported hold nothing else", () => {
  const classes = Object.entries({ ...sdk, ...local }).filter(([name]) => !["default", "module.exports", "__esModule"].includes(name));
  assert.ok(classes.length > 20);
  for (const [name, value] of classes) {
    assert.equal(typeof value, "function", name);
    assert.equal(value.name, name);
  }
});
