// The whole flow on one machine: a config, two users, their authorization, a session each, real
// MCP servers behind it, and what happens when a token, a scope or a config ends.
//
// `make demo` installs the MCP servers and runs this; `VMCP_UPSTREAMS` says where they are.

import { execFileSync } from "node:child_process";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { ScalekitAuthorizationRequiredError, type Config, type ScalekitClient, type Session } from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";

const HOUR = 3600;
const facts: [string, boolean][] = [];

/** Notes one fact and says it at once. */
function show(fact: string, holds: boolean): void {
  console.log(`  ${holds ? "✓" : "✗"} ${fact}`);
  facts.push([fact, holds]);
}

/** Prints the table; true if every fact held. */
function finish(): boolean {
  const width = Math.max(...facts.map(([fact]) => fact.length));
  console.log(`\n${"what".padEnd(width)}  shown\n${"-".repeat(width)}  -----`);
  for (const [fact, holds] of facts) console.log(`${fact.padEnd(width)}  ${holds ? "yes" : "NO"}`);
  const held = facts.filter(([, holds]) => holds).length;
  console.log(`\n${held} of ${facts.length} shown`);
  return held === facts.length;
}

const MAIL = {
  tools: [{ name: "gmail_fetch_mails", description: "Fetch the user's latest mails.", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } }],
  results: { gmail_fetch_mails: { content: [{ type: "text", text: "Mailbox of {identifier}." }] } },
};

/** The three connections; the sandbox file lies in `folder`. */
function settings(upstreams: string, repository: string): string {
  return `
    [connections.git]
    upstream = { command = "${upstreams}/venv/bin/mcp-server-git", args = ["--repository", "${repository}"] }

    [connections.notes]
    upstream = { command = "node", args = ["${upstreams}/node_modules/@modelcontextprotocol/server-memory/dist/index.js"], env = { MEMORY_FILE_PATH = "{account_dir}/memory.json" } }

    [connections.gmail]
    sandbox = "gmail.json"
    auth = "api_key"
  `;
}

/** An agent: the official MCP client, with the session's URL and `fetch`. */
async function connect(session: Session): Promise<Client> {
  const agent = new Client({ name: "agent", version: "1.0.0" });
  await agent.connect(new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch }));
  return agent;
}

/** Calls a tool and returns its texts, joined. */
async function call(agent: Client, name: string, given: Record<string, unknown> = {}): Promise<string> {
  const { content } = await agent.callTool({ name, arguments: given });
  return content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
}

/** The sentence with which a tool is refused. */
async function refusal(agent: Client, name: string, given: Record<string, unknown> = {}): Promise<string> {
  try {
    return await call(agent, name, given);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The HTTP status of a `tools/list` with this token. */
async function probe(url: string, token: string): Promise<number> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list", params: {} }),
  });
  await response.text();
  return response.status;
}

/** What a user's browser does with a link: opens the page, fills the form, sends it. */
async function authorize(link: string, key: string): Promise<number> {
  const form = await fetch(link);
  const token = /name="form_token" value="([^"]+)"/.exec(await form.text())?.[1] ?? "";
  const page = await fetch(link, {
    method: "POST",
    headers: { cookie: form.headers.get("set-cookie")?.split(";")[0] ?? "" },
    body: new URLSearchParams({ form_token: token, api_key: key }),
  });
  await page.text();
  return page.status;
}

/** Opens a session; what the user must authorize first is authorized as a browser would. */
async function authorizedSession(client: ScalekitClient, config: Config, user: string): Promise<Session> {
  const mcp = client.actions.mcp;
  const open = (): Promise<Session> => mcp.openSession({ config, identifier: user, expirySeconds: HOUR });
  try {
    await open();
    throw new Error("gmail should need authorization first");
  } catch (error) {
    if (!(error instanceof ScalekitAuthorizationRequiredError)) throw error;
    const names = error.connections.map((state) => state.connectionName);
    show(`${user} is told that gmail, and only gmail, needs authorization`, names.join() === "gmail");
    for (const { authenticationLink: link } of error.connections) {
      if (link === undefined) throw new Error("there is no link");
      console.log(`  ${user} opens ${link}`);
      const status = await authorize(link, `key-of-${user}`);
      console.log(`  the page answers ${status}`);
      show(`${user}'s link works once`, status === 200 && (await fetch(link)).status === 410);
    }
  }
  const accounts = await mcp.listMcpConnectedAccounts({ configId: config.id, identifier: user });
  show(`${user}'s accounts are ACTIVE`, accounts.length === 3 && accounts.every((account) => account.connectedAccountStatus === "ACTIVE"));
  return open();
}

async function story(folder: string): Promise<void> {
  const upstreams = process.env["VMCP_UPSTREAMS"];
  if (upstreams === undefined) throw new Error("set VMCP_UPSTREAMS to the folder of the MCP servers, or run `make demo`");
  const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" }).trim();
  const repository = git("rev-parse", "--show-toplevel");
  const head = git("rev-parse", "HEAD");

  console.log("1. An engine in this process, with three connections");
  writeFileSync(join(folder, "gmail.json"), JSON.stringify(MAIL));
  await using engine = await LocalEngine.start({ configToml: settings(upstreams, repository), configFolder: folder });
  console.log(`  engine at ${engine.envUrl}`);
  await using client = engine.client();
  const mcp = client.actions.mcp;

  console.log("2. A config: one Virtual MCP server per agent role");
  const config = await mcp.createConfig({
    name: "release-notes-agent",
    description: "Reads the log, keeps notes, reads mail",
    connectionToolMappings: [
      { connectionName: "git", tools: ["git_log"] },
      { connectionName: "notes", tools: ["create_entities", "read_graph"] },
      { connectionName: "gmail", tools: ["gmail_fetch_mails"] },
    ],
  });
  const url = config.mcpServerUrl;
  if (url === undefined) throw new Error("the config has no URL");
  console.log(`  ${config.id} serves at ${url}`);
  const listed = await mcp.listConfigs({ filterName: "release-notes-agent" });
  show("the config is created and found by its name", listed.configs.length === 1 && listed.configs[0]?.id === config.id);

  console.log("3. Two users authorize gmail through the link they get");
  const alice = await authorizedSession(client, config, "alice");
  const bob = await authorizedSession(client, config, "bob");

  console.log("4. An agent each: the official MCP client, with URL and bearer token");
  const alices = await connect(alice);
  const bobs = await connect(bob);
  const tools = (await alices.listTools()).tools.map((tool) => tool.name);
  console.log(`  tools: ${tools.join(", ")}`);
  show("exactly the scoped tools are listed", tools.join() === "git_log,create_entities,read_graph,gmail_fetch_mails");
  const readLog = (): Promise<string> => call(alices, "git_log", { repo_path: repository, max_count: 1 });
  const log = await readLog();
  console.log(`  ${log.split("\n").slice(0, 4).join(" | ")}`);
  show("git_log reads this repository's real log", log.includes(head));
  await call(alices, "create_entities", { entities: [{ name: "release", entityType: "note", observations: ["alice's secret plan"] }] });
  show("alice reads the note she wrote", (await call(alices, "read_graph")).includes("alice's secret plan"));
  show("bob does not have it", !(await call(bobs, "read_graph")).includes("secret plan"));
  show("bob's tools act as bob", (await call(bobs, "gmail_fetch_mails")).includes("Mailbox of bob"));

  console.log("5. What is not allowed");
  const hidden = await refusal(alices, "git_status", { repo_path: repository });
  const unknown = await refusal(alices, "no_such_tool");
  show(
    "a tool outside the scope is refused like one that does not exist",
    hidden.endsWith("Unknown tool: git_status") && unknown.endsWith("Unknown tool: no_such_tool"),
  );
  const other = await mcp.createConfig({ name: "other-agent", connectionToolMappings: [{ connectionName: "git", tools: ["git_log"] }] });
  const foreign = await mcp.createSessionToken({ configId: other.id, identifier: "alice" });
  const short = await mcp.createSessionToken({ configId: config.id, identifier: "alice", expirySeconds: 60 });
  show("a fresh token is accepted", (await probe(url, short.token)) === 200);
  show("a token of another config gets 401", (await probe(url, foreign.token)) === 401);

  console.log("6. Two hours later, by the engine's clock");
  await engine.advanceClock(2 * HOUR);
  show("an expired token gets 401", (await probe(url, short.token)) === 401);
  const before = await alice.token();
  const again = await readLog();
  show("a session rides over the expiry, the agent notices nothing", again.includes(head) && (await alice.token()).token !== before.token);

  console.log("7. The config is deleted");
  const last = await alice.token();
  await mcp.deleteConfig({ configId: config.id });
  show("its URL is dead at once", (await probe(url, last.token)) === 404);
  show("the agent's calls fail", await alices.listTools().then(() => false, () => true));
}

const folder = mkdtempSync(join(tmpdir(), "vmcp-demo-"));
try {
  await story(folder);
  if (!finish()) process.exitCode = 1;
} catch (error) {
  console.error("\nthe demo stopped:", error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
