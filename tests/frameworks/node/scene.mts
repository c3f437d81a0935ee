// What every check of a framework plays: a local engine, users with sessions, and what happens to
// their tokens.
//
// A check says how its framework connects, lists and calls; `play` does the rest without a model, and
// prints one line of JSON. It runs in a folder of its own, with the framework and our packed package.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Config, ScalekitClient, Session } from "scalekit-vmcp";
import { LocalEngine, type JournalRecord } from "scalekit-vmcp/engine";

const HOUR = 3600;
export const TOOL = "gmail_fetch_mails";
export const TOOLS = ["gmail_fetch_mails", "gmail_send_mail"];
/** Checks are started in the root of the repository. */
const FOLDER = join(process.cwd(), "bindings-node", "tests", "engine");
const SETTINGS = `
[connections.gmail]
sandbox = "gmail.json"
auth = "api_key"
`;

/** A framework, connected: how its tools are listed, and how one is called. */
export interface Agent {
  tools(): Promise<string[]>;
  call(tool: string, given: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** Connects a framework. */
export type Connect = (session: Session) => Promise<Agent>;

/** An engine with one config and one connection, `gmail`. */
export class Scene {
  readonly engine: LocalEngine;
  readonly client: ScalekitClient;
  readonly config: Config;
  calls = 0;

  private constructor(engine: LocalEngine, client: ScalekitClient, config: Config) {
    this.engine = engine;
    this.client = client;
    this.config = config;
  }

  /** It ends with the process. */
  static async start(): Promise<Scene> {
    const engine = await LocalEngine.start({ configToml: SETTINGS, configFolder: FOLDER });
    const client = engine.client();
    const connectionToolMappings = [{ connectionName: "gmail" }];
    return new Scene(engine, client, await client.actions.mcp.createConfig({ name: "agent", connectionToolMappings }));
  }

  /** A session of a user who has authorized `gmail`. */
  async session(identifier: string): Promise<Session> {
    await this.engine.seed({ accounts: [{ connectionName: "gmail", identifier, credential: `key-of-${identifier}` }] });
    return this.client.actions.mcp.openSession({ config: this.config, identifier, expirySeconds: HOUR });
  }

  /** How many session tokens were minted so far. */
  async mints(): Promise<number> {
    const pathPrefix = `/api/v1/mcp/configs/${this.config.id}/tokens`;
    return (await this.engine.journal({ pathPrefix, method: "POST" })).filter(({ status }) => status === 200).length;
  }

  /** How many requests to the MCP server were answered with 401. */
  async refusals(): Promise<number> {
    return (await this.engine.journal({ pathPrefix: "/mcp/" })).filter(({ status }) => status === 401).length;
  }

  /** By the engine's clock only: the client believes that its token is good. */
  async letTokensExpire(): Promise<void> {
    await this.engine.advanceClock(2 * HOUR);
  }

  /** Lists, calls a tool, and looks for the user in its result and in the journal. */
  async use(agent: Agent, identifier: string): Promise<void> {
    assert.deepEqual(await agent.tools(), TOOLS);
    await this.call(agent, identifier);
  }

  call(agent: Agent, identifier: string): Promise<void> {
    return this.callAtOnce(agent, identifier, 1);
  }

  /** As models do that call several tools in one turn. */
  async callAtOnce(agent: Agent, identifier: string, times: number): Promise<void> {
    const before = (await this.journal(identifier)).length;
    const texts = await Promise.all(Array.from({ length: times }, () => agent.call(TOOL, { query: "invoices" })));
    for (const text of texts) assert.ok(text.includes(`Mailbox of ${identifier}.`), text);
    assert.equal((await this.journal(identifier)).length, before + times);
    this.calls += times;
  }

  private journal(identifier: string): Promise<JournalRecord[]> {
    return this.engine.journal({ kind: "mcp", method: "tools/call", tool: TOOL, identifier });
  }
}

/** What a framework cannot do. */
export interface Less {
  /** Calls that are under way together when the old token is refused. */
  oneByOne?: boolean;
  /** Say more than the status of a server that refuses every token. */
  statusOnly?: boolean;
}

/**
 * Plays a framework that renews its token: one that ends in mid-run, and a user who is not connected
 * any more.
 *
 * @param framework - Its package.
 * @param mcp - The package of its MCP client; none if that is part of it.
 */
export async function play(framework: string, mcp: string | undefined, connect: Connect, less: Less = {}): Promise<void> {
  const here = await Scene.start();
  const agent = await connect(await here.session("alice"));
  await here.use(agent, "alice");
  const [minted, refused] = [await here.mints(), await here.refusals()];
  await here.letTokensExpire();
  await here.callAtOnce(agent, "alice", less.oneByOne === true ? 1 : 4);
  await here.call(agent, "alice");
  assert.ok((await here.refusals()) > refused, "the old token was not refused");
  assert.equal((await here.mints()) - minted, 1, "not exactly one token was minted");
  const seen = await whatIsSeen(here, connect, less);
  // Nobody acts for another, however many users share a process.
  await here.call(agent, "alice");
  await agent.close();
  report({ framework, mcp, how: "run", refresh: "yes", calls: here.calls, seen });
}

/**
 * What a person sees when no token can be had any more, or none is accepted: it says why and holds no
 * token, and the connection works again as soon as the user, or the server, is back.
 */
async function whatIsSeen(here: Scene, connect: Connect, less: Less): Promise<string> {
  const session = await here.session("gone");
  const { token } = await session.token();
  const agent = await connect(session);
  await here.use(agent, "gone");
  await here.engine.setAccountStatus({ connectionName: "gmail", identifier: "gone", status: "DISCONNECTED" });
  await here.letTokensExpire();
  const seen = await seenIn(agent.call(TOOL, {}));
  assert.match(seen, /must authorize `gmail`/);
  // A list may be one that was kept; an empty one would hide the reason.
  assert.match(await seenIn(agent.tools()), /must authorize `gmail`|gmail_fetch_mails/);
  assert.ok(!seen.includes(token.slice(token.lastIndexOf("."))), seen);
  await here.engine.setAccountStatus({ connectionName: "gmail", identifier: "gone", status: "ACTIVE" });
  await here.call(agent, "gone");
  await here.engine.addFault({ path: "/mcp/*", status: 401 });
  const refused = await seenIn(agent.call(TOOL, {}));
  assert.match(refused, less.statusOnly === true ? /401/ : /refuses the session's token/);
  await here.engine.clearFaults();
  await here.call(agent, "gone");
  await agent.close();
  return seen;
}

/** The error that something rejects with, its cause left aside, or what it returns instead. */
async function seenIn(asked: Promise<string | string[]>): Promise<string> {
  try {
    return `returns: ${await asked}`;
  } catch (error) {
    return String(error);
  }
}

/** What a check found out. */
export interface Facts {
  /** The framework's package. */
  framework: string;
  /** The package of its MCP client, if it has one. */
  mcp?: string | undefined;
  how: "run" | "captured" | "shape only";
  refresh: "yes" | "by its clock" | "no hook";
  /** How many tool calls it made. */
  calls: number;
  /** What a person sees when the token is refused for good. */
  seen: string;
}

/** Prints them as one line of JSON. */
export function report({ framework, mcp, how, refresh, calls, seen }: Facts): void {
  const version = installed(framework);
  console.log(JSON.stringify({ framework, version, mcp: mcp && `${mcp} ${installed(mcp)}`, how, refresh, calls, expired_text: seen }));
}

function installed(name: string): string {
  const manifest = join(import.meta.dirname, "node_modules", name, "package.json");
  assert.ok(existsSync(manifest), `${name} is not installed`);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}
