"""Anthropic's MCP connector: server, toolset and beta header are the documented ones, and the token works.

https://platform.claude.com/docs/en/agents-and-tools/mcp-connector
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from vendor import Vendor, prove, report, run_example, start_engine

ANSWER = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "a-model",
    "content": [{"type": "text", "text": "Nothing."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}

with start_engine() as engine, Vendor({"/v1/messages": ANSWER}) as vendor:
    printed = run_example("anthropic", engine, ANTHROPIC_BASE_URL=vendor.url, ANTHROPIC_API_KEY="a-key")
    assert printed == "Nothing.\n", printed
    (asked,) = vendor.asked
    assert asked.headers["anthropic-beta"] == "mcp-client-2025-11-20", asked.headers["anthropic-beta"]
    (server,) = asked.body["mcp_servers"]
    token = server.pop("authorization_token")
    assert server == {"type": "url", "name": "scalekit", "url": server["url"]}, server
    assert asked.body["tools"] == [{"type": "mcp_toolset", "mcp_server_name": "scalekit"}], asked.body["tools"]
    calls, expired = prove(engine, server["url"], token, printed)
    report("anthropic", "anthropic", how="captured", refresh="no hook", calls=calls, expired_text=expired)
