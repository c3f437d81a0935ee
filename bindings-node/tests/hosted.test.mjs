// `scalekit-vmcp/frameworks`, where a framework is handed a token once: it outlives the run, or the caller is told why not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { anthropic, claudeAgentSdk, claudeManagedAgents, llamaIndex, openaiAgentsHosted } from "scalekit-vmcp/frameworks";
import { setupEngine } from "scalekit-vmcp/testing";

const HOUR = 3600;
const settings = `
[connections.calendar]
sandbox = "googlecalendar.json"
auth = "none"
`;
const vmcp = setupEngine({ configToml: settings, configFolder: fileURLToPath(new URL("engine", import.meta.url)) });

/** Each function, and the token in what it answers. */
const FUNCTIONS = [
  [openaiAgentsHosted, ({ authorization }) => authorization],
  [anthropic, ({ mcp_servers }) => mcp_servers[0].authorization_token],
  [claudeManagedAgents, ({ create }) => create.auth.token],
  [claudeAgentSdk, ({ headers }) => headers.authorization.replace(/^Bearer /, "")],
];

async function open() {
  const { mcp } = vmcp.client.actions;
  const config = await mcp.createConfig({ name: "agent", connectionToolMappings: [{ connectionName: "calendar" }] });
  return mcp.openSession({ config, identifier: "user_123", expirySeconds: HOUR });
}

const mints = async () => (await vmcp.engine.journal({ method: "POST" })).filter(({ path }) => path.endsWith("/tokens")).length;

for (const [build, tokenIn] of FUNCTIONS) {
  test(`${build.name}: the token outlives the run`, async () => {
    const session = await open();
    const { token } = await session.token();
    assert.equal(tokenIn(await build(session, { runSeconds: 60 })), token);
    assert.equal(await mints(), 1);
    // The one at hand has lived for a while: it does not last for all of an hour.
    const fresh = tokenIn(await build(session, { runSeconds: HOUR }));
    assert.notEqual(fresh, token);
    assert.equal(fresh, (await session.token()).token);
    assert.equal(await mints(), 2);
  });

  test(`${build.name}: a run that is too long, and a signal that is aborted`, async () => {
    const session = await open();
    const wrong = build(session, { runSeconds: 2 * HOUR });
    await assert.rejects(wrong, ({ code, argument, message, suggestion, stack }) => {
      assert.deepEqual([code, argument], ["valid_for_too_long", "runSeconds"]);
      assert.match(message, /^`runSeconds` must be at most the `expirySeconds` of the session, 3600 seconds, got 7200 seconds; /);
      assert.ok(message.endsWith(suggestion) && message.indexOf(suggestion) === message.length - suggestion.length);
      assert.match(stack, /hosted\.test\.mjs/);
      return true;
    });
    const reason = new Error("enough");
    await assert.rejects(build(session, { runSeconds: 60, signal: AbortSignal.abort(reason) }), (error) => error === reason);
    assert.equal(await mints(), 1);
  });

  test(`${build.name}: what a caller may get wrong`, async () => {
    const session = await open();
    const asked = (await vmcp.engine.journal()).length;
    const runSeconds = 60;
    for (const [given, argument] of [
      [[undefined, { runSeconds }], "session"],
      [[Promise.resolve(session), { runSeconds }], "session"],
      [[{ url: session.url }, { runSeconds }], "session"],
      [[session], "options"],
      [[session, null], "options"],
      [[session, 60], "options"],
      [[session, [60]], "options"],
      [[session, {}], "runSeconds"],
      [[session, { runSeconds: "60" }], "runSeconds"],
      [[session, { runSeconds: Number.NaN }], "runSeconds"],
      [[session, { runSeconds: 0 }], "runSeconds"],
      [[session, { runSeconds: -1 }], "runSeconds"],
      [[session, { runSeconds, run: 1 }], "run"],
      [[session, { runSeconds, signal: {} }], "signal"],
      ...(build === claudeAgentSdk ? [[[session, { runSeconds, name: "a" }], "name"]] : [[[session, { runSeconds, name: "" }], "name"], [[session, { runSeconds, name: 5 }], "name"]]),
    ]) {
      await assert.rejects(build(...given), { name: "ScalekitValidationError", argument });
    }
    assert.equal((await vmcp.engine.journal()).length, asked);
  });
}

test("the name of the server is the caller's", async () => {
  const session = await open();
  const options = { runSeconds: 60, name: "mail" };
  assert.equal((await openaiAgentsHosted(session, options)).serverLabel, "mail");
  const { mcp_servers, tools } = await anthropic(session, options);
  assert.deepEqual([mcp_servers[0].name, tools[0].mcp_server_name], ["mail", "mail"]);
  const { agent } = await claudeManagedAgents(session, options);
  assert.deepEqual([agent.mcp_servers[0].name, agent.tools[0].mcp_server_name], ["mail", "mail"]);
  assert.ok(!JSON.stringify(agent).includes((await session.token()).token));
});

test("llamaIndex takes a session and nothing else", async () => {
  const session = await open();
  assert.deepEqual(Object.keys(llamaIndex(session)), ["url", "fetch"]);
  assert.throws(() => llamaIndex({ url: session.url }), { name: "ScalekitValidationError", argument: "session" });
});
