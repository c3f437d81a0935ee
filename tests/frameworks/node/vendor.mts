// For services that connect by themselves: a vendor's API on loopback, what the real SDK asked of it,
// and whether the token in there is good.
//
// A check runs its example against it; the vendor's part, to connect with URL and token, is played by
// `connect`.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

import { report, Scene, TOOL } from "./scene.mjs";

export const USER = "user_123";
const MILLISECONDS = 120_000;

/** One request of the SDK, without the query of its path. */
export interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
  body: any;
}

/** What a check knows of a service. */
export interface Service {
  /** The SDK. */
  framework: string;
  /** What the vendor answers, by path. */
  answers: Record<string, unknown>;
  /** The environment that the SDK reads, from the vendor's URL. */
  settings(url: string): Record<string, string>;
  /** From what was asked to the URL of the MCP server and the token; it checks the rest. */
  read(asked: Asked[]): { url: string; token: string };
  /** What the example prints, out of these answers. */
  prints: string;
}

/** Plays a service: runs the example, reads what the SDK sent, and connects with that. */
export async function play({ framework, answers, settings, read, prints }: Service): Promise<void> {
  const here = await Scene.start();
  await here.session(USER);
  const asked: Asked[] = [];
  const vendor = createServer(async (request, response) => {
    const path = (request.url ?? "").split("?")[0]!;
    asked.push({ path, headers: request.headers, body: JSON.parse(await text(request)) });
    const known = Object.hasOwn(answers, path);
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(known ? answers[path] : { error: { message: `nothing is at ${path}` } }));
  }).listen(0, "127.0.0.1");
  await once(vendor, "listening");
  const printed = await runExample(here, settings(`http://127.0.0.1:${(vendor.address() as AddressInfo).port}`));
  vendor.close();
  const { url, token } = read(asked);
  assert.equal(printed, prints);
  assert.ok(url.startsWith(here.engine.envUrl), url);
  const seen = `the service is answered HTTP 401: ${await connect(here, url, token, [TOOL])}`;
  report({ framework, how: "captured", refresh: "no hook", calls: here.calls, seen });
}

/** Runs the example that is named like the check, as a person would: what it printed. */
async function runExample({ engine }: Scene, settings: Record<string, string>): Promise<string> {
  const folder = import.meta.dirname;
  const env = {
    ...process.env,
    SCALEKIT_ENVIRONMENT_URL: engine.envUrl,
    SCALEKIT_CLIENT_ID: engine.clientId,
    SCALEKIT_CLIENT_SECRET: engine.clientSecret,
    ...settings,
  };
  const program = [join(folder, `with-${basename(folder)}.mjs`)];
  return (await promisify(execFile)(process.execPath, program, { env, timeout: MILLISECONDS })).stdout;
}

/**
 * What a client does that has URL and token: it lists the tools, and calls one as the user, until the
 * token has expired. Answers what it is told then.
 */
export async function connect(here: Scene, url: string, token: string, tools: string[]): Promise<string> {
  const listed = await ask(url, token, "tools/list");
  assert.deepEqual(listed.body.result?.tools.map((tool: { name: string }) => tool.name), tools);
  const called = await ask(url, token, "tools/call", { name: TOOL, arguments: {} });
  assert.match(called.body.result?.content[0].text, new RegExp(`Mailbox of ${USER}\\.`));
  const calls = await here.engine.journal({ kind: "mcp", method: "tools/call", tool: TOOL, identifier: USER });
  assert.equal((here.calls = calls.length), 1);
  await here.letTokensExpire();
  const refused = await ask(url, token, "tools/list");
  assert.equal(refused.status, 401);
  return refused.body.error.message;
}

/** One request of an MCP client that has nothing but a token. */
async function ask(url: string, token: string, method: string, params: object = {}): Promise<{ status: number; body: any }> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return { status: response.status, body: await response.json() };
}

/** The bearer token of these headers, which hold nothing else. */
export function bearer(headers: Record<string, string>): string {
  assert.deepEqual(Object.keys(headers).map((name) => name.toLowerCase()), ["authorization"]);
  const [scheme, token] = Object.values(headers)[0]!.split(" ");
  assert.equal(scheme, "Bearer");
  return token ?? "";
}
