// What the tests happen in: an OAuth provider (oidc-provider), an MCP server that takes its access
// tokens, an application, an engine between them, and a browser.

import { createServer } from "node:http";

import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { Provider } from "oidc-provider";
import { LocalEngine } from "scalekit-vmcp/engine";

const CLIENT = { client_id: "vmcp", client_secret: "a-secret-of-the-provider" };

/** A server on a free port of 127.0.0.1. */
async function listen(handler = () => {}) {
  const server = createServer((request, response) => server.handler(request, response));
  server.handler = handler;
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.url = `http://127.0.0.1:${server.address().port}`;
  return server;
}

/** The provider: its own login and consent pages, PKCE, rotated refresh tokens. */
function provide(server, redirectUri) {
  const provider = new Provider(server.url, {
    clients: [{
      ...CLIENT,
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
    }],
    scopes: ["openid", "offline_access", "crm.read"],
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    cookies: { keys: ["for-tests"] },
  });
  const granted = [];
  provider.on("grant.success", (context) => granted.push(context.oidc.params.grant_type));
  const refused = [];
  provider.on("grant.error", (context, error) => refused.push(error.message));
  server.handler = provider.callback();
  return { provider, granted, refused };
}

/** An MCP server whose one tool says whose access token it was called with, as the provider knows it. */
function serveTools(server, issuer) {
  server.handler = async (request, response) => {
    const { authorization } = request.headers;
    const user = await fetch(`${issuer}/me`, { headers: { authorization } });
    if (user.status !== 200) {
      response.writeHead(401, { "www-authenticate": 'Bearer error="invalid_token"' }).end();
      return;
    }
    const { sub } = await user.json();
    const tools = new Server({ name: "crm", version: "1.0.0" }, { capabilities: { tools: {} } });
    tools.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: [{ name: "whoami", description: "Says who you are.", inputSchema: { type: "object" } }],
    }));
    tools.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: "text", text: `you are ${sub}` }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on("close", () => transport.close());
    await tools.connect(transport);
    await transport.handleRequest(request, response);
  };
}

/** An application that sends its users on, more than once, after they have authorized. */
function serveApplication(server) {
  const arrived = [];
  server.handler = (request, response) => {
    const url = new URL(request.url, server.url);
    if (url.pathname === "/verify") {
      response.writeHead(303, { location: `http://localhost:${server.address().port}/landed${url.search}` }).end();
      return;
    }
    if (url.pathname === "/landed") arrived.push(url);
    response.writeHead(200, { "content-type": "text/html" }).end("<title>The application</title><h1>Welcome back</h1>");
  };
  return arrived;
}

/** Everything, running. */
export async function startWorld() {
  const servers = await Promise.all([listen(), listen(), listen()]);
  const [issuer, upstream, application] = servers;
  const engine = await LocalEngine.start({
    configToml: `
      app_name = "Acme Assistant"

      [connections.gmail]
      upstream = { url = "http://127.0.0.1:9/mcp", headers = { Authorization = "Bearer {api_key}" } }
      auth = "api_key"

      [connections.crm]
      upstream = { url = "${upstream.url}/mcp", headers = { Authorization = "Bearer {access_token}" } }

      [connections.crm.auth.oauth2]
      issuer = "${issuer.url}"
      client_id = "${CLIENT.client_id}"
      client_secret = "${CLIENT.client_secret}"
      scopes = ["openid", "crm.read", "offline_access"]
    `,
  });
  const provided = provide(issuer, `${engine.envUrl}/connect/callback`);
  serveTools(upstream, issuer.url);
  const arrived = serveApplication(application);
  const client = engine.client();
  return {
    ...provided,
    arrived,
    client,
    engine,
    issuer: issuer.url,
    application: application.url,
    async close() {
      await client[Symbol.asyncDispose]();
      await engine.close();
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
