// A hosted tool of the OpenAI Agents SDK: what reaches OpenAI is the documented tool.
//
// https://openai.github.io/openai-agents-js/guides/mcp

import assert from "node:assert/strict";

import { play } from "./vendor.mjs";

const RESPONSE = {
  id: "resp_1",
  object: "response",
  created_at: 0,
  model: "a-model",
  status: "completed",
  output: [
    {
      id: "msg_1",
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "Nothing.", annotations: [] }],
    },
  ],
  usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 },
  parallel_tool_calls: true,
  tool_choice: "auto",
  tools: [],
};

await play({
  framework: "@openai/agents",
  answers: { "/v1/responses": RESPONSE },
  settings: (url) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: "a-key", OPENAI_AGENTS_DISABLE_TRACING: "1" }),
  read: (asked) => {
    assert.equal(asked.length, 1);
    const [{ server_url: url, authorization: token, ...tool }] = asked[0]!.body.tools;
    assert.equal(asked[0]!.body.tools.length, 1);
    assert.deepEqual(tool, { type: "mcp", server_label: "scalekit", require_approval: "never" });
    return { url, token };
  },
  prints: "Nothing.\n",
});
