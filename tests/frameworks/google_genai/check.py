"""Gemini's remote MCP tool: server and headers are the documented ones, and the token works.

https://googleapis.github.io/python-genai/genai.html#genai.types.McpServer
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from vendor import Vendor, prove, report, run_example, start_engine

PATH = "/v1beta/models/gemini-2.5-flash:generateContent"
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Nothing."}]}, "finishReason": "STOP"}]}

with start_engine() as engine, Vendor({PATH: ANSWER}) as vendor:
    printed = run_example("google_genai", engine, GOOGLE_GEMINI_BASE_URL=vendor.url, GEMINI_API_KEY="a-key")
    assert printed == "Nothing.\n", printed
    (asked,) = vendor.asked
    (tool,) = asked.body["tools"]
    (server,) = tool["mcpServers"]
    transport = server["streamableHttpTransport"]
    scheme, _, token = transport["headers"].pop("Authorization").partition(" ")
    url = transport["url"]
    assert scheme == "Bearer"
    assert tool == {
        "mcpServers": [{"name": "scalekit", "streamableHttpTransport": {"url": url, "headers": {}}}]
    }, tool
    calls, expired = prove(engine, url, token, printed)
    report("google_genai", "google-genai", how="captured", refresh="no hook", calls=calls, expired_text=expired)
