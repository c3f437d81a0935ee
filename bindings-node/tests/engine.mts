// The engine that tests use: mail that a user must authorize, and a calendar that is open.

import { fileURLToPath } from "node:url";

import { LocalEngine } from "scalekit-vmcp/engine";

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

interface Asked {
  status: number;
  body: { result?: { tools: { name: string }[] } };
}

/** Starts it. */
export function startEngine(): Promise<LocalEngine> {
  return LocalEngine.start({
    config: fileURLToPath(new URL("../../tests/engine/vmcp.toml", import.meta.url)),
  });
}

/** What a user's browser does with an authentication link. */
export async function authorize(link: string): Promise<number> {
  const form = await fetch(link);
  const token = /name="form_token" value="([^"]+)"/.exec(await form.text())?.[1] ?? "";
  const page = await fetch(link, {
    method: "POST",
    headers: { cookie: form.headers.get("set-cookie")?.split(";")[0] ?? "" },
    body: new URLSearchParams({ form_token: token, api_key: "a-key" }),
  });
  await page.text();
  return page.status;
}

/** The answer of a Virtual MCP server to one request. */
export async function ask(fetcher: Fetch, url: string, method: string, params: object = {}): Promise<Asked> {
  const response = await fetcher(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return { status: response.status, body: (await response.json()) as Asked["body"] };
}
