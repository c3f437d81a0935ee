// Anthropic's MCP connector: server, toolset and beta header are the documented ones.
//
// https://platform.claude.com/docs/en/agents-and-tools/mcp-connector

import assert from "node:assert/strict";

import { play } from "./vendor.mjs";

const ANSWER = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "a-model",
  content: [{ type: "text", text: "Nothing." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

await play({
  framework: "@anthropic-ai/sdk",
  answers: { "/v1/messages": ANSWER },
  settings: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: "a-key" }),
  read: (asked) => {
    assert.equal(asked.length, 1);
    const { headers, body } = asked[0]!;
    assert.equal(headers["anthropic-beta"], "mcp-client-2025-11-20");
    assert.equal(body.mcp_servers.length, 1);
    const [{ url, authorization_token: token, ...server }] = body.mcp_servers;
    assert.deepEqual(server, { type: "url", name: "scalekit" });
    assert.deepEqual(body.tools, [{ type: "mcp_toolset", mcp_server_name: "scalekit" }]);
    return { url, token };
  },
  prints: "Nothing.\n",
});
