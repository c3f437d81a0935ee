"""Gemini's remote MCP tool: server and headers are the documented ones.

https://googleapis.github.io/python-genai/genai.html#genai.types.McpServer
"""

from vendor import play

PATHS = [f"/{api}/models/gemini-2.5-flash:generateContent" for api in ("v1", "v1beta")]
"""The older SDK, the last one for Python 3.10, asks the beta."""
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Nothing."}]}, "finishReason": "STOP"}]}


def settings(url):
    return {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "a-key"}


def read(asked):
    ((tool,),) = (one.body["tools"] for one in asked)
    (server,) = tool["mcpServers"]
    # The SDK writes the documented `streamableHttpTransport` like this; the API reads both.
    transport = server["streamable_http_transport"]
    url, (scheme, _, token) = transport["url"], transport["headers"].pop("Authorization").partition(" ")
    expected = {"name": "scalekit", "streamable_http_transport": {"url": url, "headers": {}}}
    assert (tool, scheme) == ({"mcpServers": [expected]}, "Bearer"), tool
    return url, token


if __name__ == "__main__":
    play("google-genai", dict.fromkeys(PATHS, ANSWER), settings, read, "Nothing.\n")
