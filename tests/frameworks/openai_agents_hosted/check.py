"""A hosted MCP tool of the OpenAI Agents SDK: what reaches OpenAI is the documented tool, and its token works.

https://openai.github.io/openai-agents-python/mcp/
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from vendor import Vendor, prove, report, run_example, start_engine

ANSWER = {
    "id": "resp_1",
    "object": "response",
    "created_at": 0,
    "model": "a-model",
    "status": "completed",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Nothing.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}

with start_engine() as engine, Vendor({"/v1/responses": ANSWER}) as vendor:
    printed = run_example(
        "openai_agents_hosted", engine,
        OPENAI_BASE_URL=vendor.url + "/v1", OPENAI_API_KEY="a-key", OPENAI_AGENTS_DISABLE_TRACING="1",
    )
    assert printed == "Nothing.\n", printed
    (asked,) = vendor.asked
    (tool,) = asked.body["tools"]
    token = tool.pop("authorization")
    url = tool["server_url"]
    assert tool == {"type": "mcp", "server_label": "scalekit", "server_url": url, "require_approval": "never"}, tool
    calls, expired = prove(engine, url, token, printed)
    report("openai_agents_hosted", "openai-agents", how="captured", refresh="no hook", calls=calls, expired_text=expired)
