// A web application whose users connect their accounts, and for whom an agent then acts.
//
//     node app.ts
//
// starts it; with the SCALEKIT_* variables set it uses that environment, else an engine of its own on
// this machine. Routes: POST /login {"user"}, GET /connections, GET /connect/gmail, POST /ask {"question"}.

import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";

import { serve } from "@hono/node-server";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { type Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { HTTPException } from "hono/http-exception";
import {
  type Config,
  ScalekitAuthorizationRequiredError,
  ScalekitClient,
  ScalekitForbiddenError,
  ScalekitNotFoundError,
} from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";

const TOOLS = [{ connectionName: "gmail", tools: ["gmail_fetch_mails"] }];

/** A user's session with this application. */
interface Login {
  user: string;
  /** The links that the user was sent to, by their `state`. */
  states: Set<string>;
}

/** The application on one client and one config; users share both. */
export async function makeApp(client: ScalekitClient): Promise<Hono> {
  const { actions } = client;
  const { config } = await actions.mcp.ensureConfig({ name: "mail-agent", connectionToolMappings: TOOLS });
  // By the value of the cookie. In a database, if there is more than one process.
  const logins = new Map<string, Login>();
  const app = new Hono();

  /** The login of the browser that asks. */
  function signedIn(context: Context): Login {
    const login = logins.get(getCookie(context, "login") ?? "");
    if (login === undefined) throw new HTTPException(401, { message: "Sign in first." });
    return login;
  }

  // Signs a user in. A real application would ask for proof.
  app.post("/login", async (context) => {
    const { user } = await context.req.json<{ user: string }>();
    const key = secret();
    logins.set(key, { user, states: new Set() });
    setCookie(context, "login", key, { httpOnly: true, sameSite: "Lax" });
    return context.body(null, 204);
  });

  // How the user stands with each connection of the agent.
  app.get("/connections", async (context) => {
    const accounts = await actions.mcp.listMcpConnectedAccounts({ configId: config.id, identifier: signedIn(context).user });
    return context.json(Object.fromEntries(accounts.map((account) => [account.connectionName, account.connectedAccountStatus ?? null])));
  });

  // Sends the user to authorize a connection, with a way back that only this login can use.
  app.get("/connect/:connectionName", async (context) => {
    const login = signedIn(context);
    const state = secret();
    const { link } = await actions.getAuthorizationLink({
      identifier: login.user,
      connectionName: context.req.param("connectionName"),
      state,
      userVerifyUrl: here(context, "/callback"),
    });
    login.states.add(state);
    return context.redirect(link, 303);
  });

  // Confirms that the user who comes back is the one who was sent, and only then is the account active. The user is
  // the one of the cookie, never one of the URL: a link that somebody passed on connects nothing.
  app.get("/callback", async (context) => {
    const login = signedIn(context);
    const { auth_request_id: authRequestId = "", state = "" } = context.req.query();
    if (!login.states.delete(state)) throw new HTTPException(403, { message: "This authorization was not begun here." });
    try {
      await actions.verifyConnectedAccountUser({ authRequestId, identifier: login.user });
    } catch (error) {
      if (error instanceof ScalekitForbiddenError) throw new HTTPException(403, { message: "This authorization is another user's." });
      if (error instanceof ScalekitNotFoundError) throw new HTTPException(410, { message: "This authorization has ended; connect again." });
      throw error;
    }
    return context.redirect("/connections", 303);
  });

  // Lets the agent act for the user: one session for one run.
  app.post("/ask", async (context) => {
    const { user } = signedIn(context);
    const { question } = await context.req.json<{ question: string }>();
    try {
      return context.json({ answer: await ask(client, config, user, question) });
    } catch (error) {
      if (!(error instanceof ScalekitAuthorizationRequiredError)) throw error;
      const connect = error.connections.map(({ connectionName }) => [connectionName, here(context, `/connect/${connectionName}`)]);
      return context.json({ connect: Object.fromEntries(connect) }, 409);
    }
  });

  return app;
}

async function ask(client: ScalekitClient, config: Config, user: string, question: string): Promise<string> {
  const session = await client.actions.mcp.openSession({ config, identifier: user, expirySeconds: 600 });
  const agent = new Client({ name: "mail-agent", version: "1.0.0" });
  await agent.connect(new StreamableHTTPClientTransport(new URL(session.url), { fetch: session.fetch }));
  try {
    // A model would choose the tool.
    const { content } = await agent.callTool({ name: "gmail_fetch_mails", arguments: { query: question } });
    return content.map((block) => (block.type === "text" ? block.text : "")).join("\n");
  } finally {
    await agent.close();
  }
}

const secret = (): string => randomBytes(32).toString("base64url");

/** An address of this application, as the browser that asks knows it. */
const here = (context: Context, path: string): string => new URL(path, context.req.url).href;

async function main(): Promise<void> {
  const ofEnvironment = process.env["SCALEKIT_CLIENT_ID"] !== undefined;
  const engine = ofEnvironment ? undefined : await LocalEngine.start({ config: `${import.meta.dirname}/vmcp.toml` });
  const client = engine?.client() ?? ScalekitClient.fromEnv();
  const app = await makeApp(client);
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env["PORT"] ?? 8000) }, ({ port }) => {
    console.log(`http://127.0.0.1:${port}`);
  });
  process.once("SIGINT", () => {
    server.close();
    void client.close().then(() => engine?.close());
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
