// The connect page as a person meets it, in Chromium.

import { strict as assert } from "node:assert";
import { after, before, test } from "node:test";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

import { launch, look, person } from "./eyes.mjs";
import { startWorld } from "./world.mjs";

let world;
let browser;

before(async () => {
  [world, browser] = await Promise.all([startWorld(), launch()]);
});

after(async () => {
  await browser?.close();
  await world?.close();
});

const newPerson = (options) => person(browser, world.engine.envUrl, options);
const heading = (page) => page.locator("h1").innerText();

async function linkFor(connectionName, identifier, options = {}) {
  const { link } = await world.client.actions.getAuthorizationLink({ connectionName, identifier, ...options });
  return link;
}

async function statusOf(connectionName, identifier) {
  const account = await world.client.actions.getConnectedAccountDetails({ connectionName, identifier });
  return account.status;
}

/** What the tool answers to this user's agent, an official MCP client. */
async function whoami(config, identifier) {
  const session = await world.client.actions.mcp.openSession({ config, identifier });
  const agent = new Client({ name: "agent", version: "1.0.0" });
  await agent.connect(new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch }));
  try {
    const result = await agent.callTool({ name: "whoami", arguments: {} });
    return result.content[0].text;
  } finally {
    await agent.close();
  }
}

/** Signs in at the provider and allows what is asked for. */
async function signIn(page, user) {
  await page.locator('input[name="login"]').fill(user);
  await page.locator('input[name="password"]').fill("anything");
  await page.locator('button[type="submit"]').click();
  await page.getByText("Authorize").first().waitFor();
  await page.locator('button[type="submit"]').click();
}

/** A user authorizes the CRM, from the link to the page that says so. */
async function connectCrm(user, page) {
  await page.goto(await linkFor("crm", user));
  await page.getByRole("button", { name: "Continue to" }).click();
  await signIn(page, user);
  await page.waitForURL(`${world.engine.envUrl}/connect/callback**`);
  assert.equal(await heading(page), "Connected");
}

test("a key is entered with the keyboard alone", async () => {
  const page = await newPerson();
  const link = await linkFor("gmail", "alice@example.com");
  await page.goto(link);
  const text = await page.locator("main").innerText();
  for (const part of ["Acme Assistant", "gmail", "alice@example.com"]) assert.ok(text.includes(part), text);
  await look(page, "key");

  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").getAttribute("id"), "api_key");
  assert.equal(await page.getByLabel("API key for gmail").getAttribute("id"), "api_key");
  await page.keyboard.type("a-key");
  await page.keyboard.press("Tab");
  assert.equal(await page.locator(":focus").innerText(), "Connect");
  await page.screenshot({ path: `${process.env.VMCP_SCREENSHOTS ?? "screenshots"}/key-focus.png` });
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Connected" }).waitFor();
  await look(page, "connected");
  assert.equal(await statusOf("gmail", "alice@example.com"), "ACTIVE");

  await page.goto(link);
  assert.equal(await heading(page), "This link was already used");
  await look(page, "used");
  // Nothing came from anywhere else, and nothing of the key went into an address.
  for (const url of page.asked) assert.ok(url.startsWith(world.engine.envUrl) && !url.includes("a-key"), url);
});

test("a wrong entry is said where it is, to eyes and to screen readers", async () => {
  const page = await newPerson();
  await page.goto(await linkFor("gmail", "bob"));
  await page.getByLabel("API key for gmail").fill("   ");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  const alert = page.getByRole("alert");
  assert.equal(await alert.innerText(), "Enter the API key.");
  const field = page.getByLabel("API key for gmail");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  assert.ok((await field.getAttribute("aria-describedby")).includes("problem"));
  assert.ok((await page.title()).startsWith("Error: "));
  await look(page, "key-problem");
  await field.fill("a-key");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("heading", { name: "Connected" }).waitFor();
});

test("all of it works without JavaScript", async () => {
  const page = await newPerson({ javaScriptEnabled: false });
  await page.goto(await linkFor("gmail", "carol"));
  await page.getByLabel("API key for gmail").fill("a-key");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("heading", { name: "Connected" }).waitFor();
  await connectCrm("carol", page);
});

test("links that are dead say why", async () => {
  const page = await newPerson();
  const expired = await linkFor("gmail", "dave");
  await world.engine.advanceClock(60);
  await page.goto(expired);
  assert.equal(await heading(page), "This link has expired");
  await look(page, "expired");

  await page.goto(await linkFor("gmail", "dave"));
  await page.getByRole("button", { name: "Do not connect" }).click();
  assert.equal(await heading(page), "Not connected");
  await look(page, "declined");
  await page.goto(`${world.engine.envUrl}/connect/no-such-link`);
  assert.equal(await heading(page), "There is no such link");
  await look(page, "unknown");
  assert.equal(await statusOf("gmail", "dave"), "PENDING_AUTH");
});

test("two users authorize at the provider, and each one's agent acts as that one", async () => {
  const config = await world.client.actions.mcp.createConfig({
    name: "crm-agent",
    connectionToolMappings: [{ connectionName: "crm", tools: ["whoami"] }],
  });
  const page = await newPerson();
  await page.goto(await linkFor("crm", "erin"));
  const text = await page.locator("main").innerText();
  for (const part of ["Acme Assistant", "crm", "erin", new URL(world.issuer).host, "crm.read"]) {
    assert.ok(text.includes(part), text);
  }
  await look(page, "provider");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await signIn(page, "erin");
  await page.waitForURL(`${world.engine.envUrl}/connect/callback**`);
  assert.equal(await heading(page), "Connected");
  await look(page, "provider-connected");
  await connectCrm("frank", await newPerson());

  assert.equal(await whoami(config, "erin"), "you are erin");
  assert.equal(await whoami(config, "frank"), "you are frank");

  // An hour and more later the tokens have ended; the refresh token brings new ones, and another
  // refresh token each time.
  for (const times of [1, 2]) {
    await world.engine.advanceClock(3_700);
    assert.equal(await whoami(config, "erin"), "you are erin");
    assert.equal(world.granted.filter((grant) => grant === "refresh_token").length, times);
  }

  // Erin revokes the grant at the provider.
  const account = await world.client.actions.getConnectedAccount({ connectionName: "crm", identifier: "erin" });
  const { refresh_token: token } = account.authorizationDetails.oauth_token;
  const revoked = await fetch(`${world.issuer}/token/revocation`, {
    method: "POST",
    body: new URLSearchParams({ token, client_id: "vmcp", client_secret: "a-secret-of-the-provider" }),
  });
  assert.equal(revoked.status, 200);
  const states = () => world.client.actions.mcp.listMcpConnectedAccounts({ configId: config.id, identifier: "erin" });
  await world.engine.advanceClock(3_700);
  assert.equal((await states())[0].connectedAccountStatus, "EXPIRED");
  await connectCrm("erin", await newPerson());
  assert.equal((await states())[0].connectedAccountStatus, "ACTIVE");
  assert.equal(await whoami(config, "erin"), "you are erin");
});

test("a user may say no at the provider", async () => {
  const page = await newPerson();
  await page.goto(await linkFor("crm", "grace"));
  await page.getByRole("button", { name: "Continue to" }).click();
  await page.getByText("Cancel").click();
  await page.waitForURL(`${world.engine.envUrl}/connect/callback**`);
  assert.equal(await heading(page), "Not connected");
  await look(page, "provider-declined");
  assert.equal(await statusOf("crm", "grace"), "PENDING_AUTH");
});

test("who is sent to somebody else's sign-in connects nothing", async () => {
  const mallory = await newPerson();
  await mallory.goto(await linkFor("crm", "mallory"));
  await mallory.getByRole("button", { name: "Continue to" }).click();
  await mallory.locator('input[name="login"]').waitFor();
  // The victim opens the provider's page that mallory was sent to, and signs in.
  const request = mallory.asked.find((url) => url.startsWith(`${world.issuer}/auth?`));
  const victim = await newPerson();
  await victim.goto(request);
  await signIn(victim, "victim");
  await victim.waitForURL(`${world.engine.envUrl}/connect/callback**`);
  assert.equal(await heading(victim), "This sign-in began somewhere else");
  await look(victim, "other-browser");
  assert.equal(await statusOf("crm", "mallory"), "PENDING_AUTH");
});

test("a provider that fails is named, with nothing changed", async () => {
  const page = await newPerson();
  await page.goto(await linkFor("crm", "heidi"));
  await page.getByRole("button", { name: "Continue to" }).click();
  await page.locator('input[name="login"]').waitFor();
  const state = new URL(page.asked.find((url) => url.startsWith(`${world.issuer}/auth?`))).searchParams.get("state");
  const answer = new URLSearchParams({ state, iss: world.issuer, code: "not-one-of-theirs" });
  await page.goto(`${world.engine.envUrl}/connect/callback?${answer}`);
  assert.equal(await heading(page), "crm could not be connected");
  await look(page, "provider-failed");
  // The same answer once more: it is not awaited any more.
  await page.goto(`${world.engine.envUrl}/connect/callback?${answer}`);
  assert.equal(await heading(page), "This sign-in has ended");
  await look(page, "ended");
  assert.equal(await statusOf("crm", "heidi"), "PENDING_AUTH");
});

for (const connectionName of ["gmail", "crm"]) {
  test(`whoever authorized ${connectionName} is sent to the application, wherever that sends on, and verified`, async () => {
    const page = await newPerson();
    const user = `ivan-${connectionName}`;
    await page.goto(await linkFor(connectionName, user, { userVerifyUrl: `${world.application}/verify?tenant=1`, state: "s 1" }));
    if (connectionName === "gmail") {
      await page.getByLabel("API key for gmail").fill("a-key");
      await page.getByRole("button", { name: "Connect", exact: true }).click();
    } else {
      await page.getByRole("button", { name: "Continue to" }).click();
      await signIn(page, user);
    }
    // Chromium applies a page's `form-action` to every redirect behind its form.
    await page.getByRole("heading", { name: "Welcome back" }).waitFor();
    assert.deepEqual(page.complaints, []);
    const { searchParams } = world.arrived.at(-1);
    assert.equal(searchParams.get("state"), "s 1");
    assert.equal(searchParams.get("tenant"), "1");
    assert.equal(await statusOf(connectionName, user), "PENDING_VERIFICATION");

    const authRequestId = searchParams.get("auth_request_id");
    const verify = (identifier) => world.client.actions.verifyConnectedAccountUser({ authRequestId, identifier });
    await assert.rejects(verify("mallory"), { status: 403 });
    const verified = await verify(user);
    assert.equal(await statusOf(connectionName, user), "ACTIVE");
    await page.goto(verified.postUserVerifyRedirectUrl);
    assert.equal(await heading(page), "Connected");
    await look(page, `verified-${connectionName}`);
  });
}

test("a form without the cookie of its browser does nothing", async () => {
  const page = await newPerson();
  const link = await linkFor("gmail", "judy");
  await page.goto(link);
  await page.context().clearCookies();
  await page.getByLabel("API key for gmail").fill("a-key");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  assert.match(await page.getByRole("alert").innerText(), /out of date/);
  await look(page, "no-cookie");
  assert.equal(await statusOf("gmail", "judy"), "PENDING_AUTH");
  // With the cookie that came with this answer it works.
  await page.getByLabel("API key for gmail").fill("a-key");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await page.getByRole("heading", { name: "Connected" }).waitFor();
});
