// An API of a few lines, for tests that look at single requests: grants any client a token and
// hands every other request to `answer(request, response)`.

import { createServer } from "node:http";
import { once } from "node:events";

/** Starts it: `{ envUrl, options, asked, stop }`; `asked` holds `METHOD path` of each request. */
export async function startFakeApi(answer) {
  const asked = [];
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    if (request.url === "/oauth/token") {
      response.end(JSON.stringify({ access_token: "a.c.t", expires_in: 3600 }));
      return;
    }
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const envUrl = `http://127.0.0.1:${server.address().port}`;
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { envUrl, options: { envUrl, clientId: "skc_1", clientSecret: "hunter2" }, asked, stop };
}

/** The answer to `getConfig` and its like. */
export function config(response, id = "cfg_1") {
  response.end(JSON.stringify({ config: { id, name: "agent", connection_tool_mappings: [], mcp_server_url: "http://127.0.0.1:1/mcp" } }));
}
