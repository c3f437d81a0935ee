// The application as browsers meet it: a real server, a real engine, cookies and redirects.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, test } from "node:test";

import { serve, type ServerType } from "@hono/node-server";
import { setupEngine } from "scalekit-vmcp/testing";

import { makeApp } from "./app.ts";

const vmcp = setupEngine({ config: `${import.meta.dirname}/vmcp.toml` });
let server: ServerType;
let site: string;

beforeEach(async () => {
  const app = await makeApp(vmcp.client);
  server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
});

/** A user's browser: it keeps cookies, and follows redirects. */
class Browser {
  readonly #cookies = new Map<string, string>();

  /** One that has signed in. */
  static async of(user: string): Promise<Browser> {
    const browser = new Browser();
    assert.equal((await browser.post("/login", { user })).status, 204);
    return browser;
  }

  async get(path: string): Promise<Response> {
    const answer = await this.go(path);
    const onward = answer.headers.get("location");
    return answer.status === 303 && onward !== null ? this.get(new URL(onward, answer.url).href) : answer;
  }

  async post(path: string, body: unknown): Promise<Response> {
    return this.go(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  }

  /** One request, no redirect. */
  async go(path: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(path, site);
    const cookie = this.#cookies.get(url.origin);
    const headers = new Headers(init.headers);
    if (cookie !== undefined) headers.set("cookie", cookie);
    const answer = await fetch(url, { ...init, headers, redirect: "manual" });
    const given = answer.headers.get("set-cookie")?.split(";")[0];
    if (given !== undefined) this.#cookies.set(url.origin, given);
    return answer;
  }

  /** Fills in the form of the connect page; where the page then sends the browser. */
  async enterKey(page: Response): Promise<string> {
    const token = /name="form_token" value="([^"]+)"/.exec(await page.text())?.[1];
    assert.ok(token !== undefined);
    const onward = await this.go(page.url, { method: "POST", body: new URLSearchParams({ form_token: token, api_key: "a-key" }) });
    const target = /http-equiv="refresh" content="0; url=([^"]+)"/.exec(await onward.text())?.[1];
    assert.ok(target !== undefined);
    return target.replace(/&(?:amp|#38|#x26);/g, "&");
  }
}

test("a user connects and asks", async () => {
  const alice = await Browser.of("alice");
  const refused = await alice.post("/ask", { question: "invoices" });
  assert.equal(refused.status, 409);
  const { connect } = (await refused.json()) as { connect: { gmail: string } };
  const back = await alice.get(await alice.enterKey(await alice.get(connect.gmail)));
  assert.deepEqual([back.status, back.url, await back.json()], [200, `${site}/connections`, { gmail: "ACTIVE" }]);
  const answer = await alice.post("/ask", { question: "invoices" });
  assert.deepEqual(await answer.json(), { answer: "2 mails of alice about invoices" });
  const [call] = await vmcp.engine.waitFor({ method: "tools/call" });
  assert.deepEqual([call?.identifier, call?.outcome], ["alice", "ok"]);
});

test("a link that was passed on connects nothing", async () => {
  const [mallory, bob] = [await Browser.of("mallory"), await Browser.of("bob")];
  const link = (await mallory.go("/connect/gmail")).headers.get("location");
  assert.ok(link !== null);
  const back = await bob.enterKey(await bob.get(link));
  assert.ok(back.startsWith(`${site}/callback?`) && back.includes("auth_request_id="), back);
  assert.equal((await bob.get(back)).status, 403);
  assert.deepEqual(await (await bob.get("/connections")).json(), { gmail: null });
  assert.deepEqual(await (await mallory.get("/connections")).json(), { gmail: "PENDING_VERIFICATION" });
});

test("another user's request is refused even with a state of one's own", async () => {
  const [mallory, bob] = [await Browser.of("mallory"), await Browser.of("bob")];
  const ofMallory = new URL(await mallory.enterKey(await mallory.get("/connect/gmail")));
  const ofBob = new URL(await bob.enterKey(await bob.get("/connect/gmail")));
  ofBob.searchParams.set("auth_request_id", ofMallory.searchParams.get("auth_request_id") ?? "");
  const answer = await bob.get(ofBob.href);
  assert.deepEqual([answer.status, await answer.text()], [403, "This authorization is another user's."]);
});

test("an authorization is confirmed once", async () => {
  const alice = await Browser.of("alice");
  const back = await alice.enterKey(await alice.get("/connect/gmail"));
  assert.equal((await alice.get(back)).status, 200);
  assert.equal((await alice.get(back)).status, 403);
});

test("nobody acts without a login", async () => {
  const stranger = new Browser();
  assert.equal((await stranger.get("/connections")).status, 401);
  assert.equal((await stranger.get("/connect/gmail")).status, 401);
  assert.equal((await stranger.get("/callback?auth_request_id=a&state=b")).status, 401);
  assert.equal((await stranger.post("/ask", { question: "invoices" })).status, 401);
});

test("it starts by itself with an engine of its own, and ends with Ctrl-C", async () => {
  const environment = { PATH: process.env["PATH"], PORT: "0" };
  const program = spawn(process.execPath, [`${import.meta.dirname}/app.ts`], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(program, "exit");
  const [address] = (await once(createInterface(program.stdout), "line")) as [string];
  const alice = new Browser();
  assert.equal((await alice.post(`${address}/login`, { user: "alice" })).status, 204);
  assert.deepEqual(await (await alice.get(`${address}/connections`)).json(), { gmail: null });
  program.kill("SIGINT");
  assert.deepEqual(await exited, [0, null]);
});
