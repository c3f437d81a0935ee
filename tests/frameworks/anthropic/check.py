"""Anthropic's MCP connector: server, toolset and beta header are the documented ones.

https://platform.claude.com/docs/en/agents-and-tools/mcp-connector
"""

from vendor import play

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


def settings(url):
    return {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "a-key"}


def read(asked):
    (one,) = asked
    assert one.headers["anthropic-beta"] == "mcp-client-2025-11-20", one.headers["anthropic-beta"]
    (server,) = one.body["mcp_servers"]
    url, token = server["url"], server.pop("authorization_token")
    assert server == {"type": "url", "name": "scalekit", "url": url}, server
    assert one.body["tools"] == [{"type": "mcp_toolset", "mcp_server_name": "scalekit"}], one.body["tools"]
    return url, token


if __name__ == "__main__":
    play("anthropic", {"/v1/messages": ANSWER}, settings, read, "Nothing.\n")
