"""OpenAI's Responses API: the tool in the request is the documented one, and its token works.

https://platform.openai.com/docs/guides/tools-connectors-mcp
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
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}

with start_engine() as engine, Vendor({"/v1/responses": ANSWER}) as vendor:
    printed = run_example("openai", engine, OPENAI_BASE_URL=vendor.url + "/v1", OPENAI_API_KEY="a-key")
    (asked,) = vendor.asked
    (tool,) = asked.body["tools"]
    token = tool.pop("authorization")
    url = tool["server_url"]
    assert tool == {"type": "mcp", "server_label": "scalekit", "server_url": url, "require_approval": "never"}, tool
    calls, expired = prove(engine, url, token, printed)
    report("openai", "openai", how="captured", refresh="no hook", calls=calls, expired_text=expired)
