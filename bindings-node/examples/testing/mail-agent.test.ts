// The agent against a local engine: nothing is mocked, nothing leaves this machine.

import { setupEngine } from "scalekit-vmcp/testing";
import { expect, test } from "vitest";

import { mailsAbout } from "./mail-agent.ts";

const vmcp = setupEngine({ config: "vmcp.toml" });

/** A user who has connected her mail. */
async function alice(): Promise<string> {
  await vmcp.engine.seed({ accounts: [{ connectionName: "gmail", identifier: "alice", credential: "her-key" }] });
  return "alice";
}

test("the agent reads the mail of its user", async () => {
  expect(await mailsAbout(vmcp.client, await alice(), "invoices")).toBe("2 mails of alice about invoices");
  const [call] = await vmcp.engine.waitFor({ method: "tools/call" });
  expect(call).toMatchObject({ identifier: "alice", tool: "gmail_fetch_mails", outcome: "ok" });
});

test("a new user gets a link and then an answer", async () => {
  const { engine, client } = vmcp;
  expect(await mailsAbout(client, "bob", "invoices")).toMatch(/^Please connect gmail: http:/);
  const [link] = await engine.authLinks();
  await engine.completeAuthLink({ linkId: link!.id, credential: "his-key" });
  expect(await mailsAbout(client, "bob", "invoices")).toBe("2 mails of bob about invoices");
});

test("a mailbox that is down is told to the user", async () => {
  await vmcp.engine.addFault({ connectionName: "gmail", method: "tools/call", drop: true });
  expect(await mailsAbout(vmcp.client, await alice(), "invoices")).toBe("Your mail cannot be reached right now.");
});

test("every test starts with an empty engine", async () => {
  expect((await vmcp.client.actions.mcp.listConfigs()).configs).toEqual([]);
  expect(await vmcp.engine.faults()).toEqual([]);
});
