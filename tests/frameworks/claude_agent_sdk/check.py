"""The Claude Agent SDK: its program, which connects, is not run."""

from datetime import timedelta

from claude_agent_sdk import ClaudeAgentOptions
from claude_agent_sdk.types import McpHttpServerConfig
from scalekit_vmcp import frameworks
from scene import TOOLS, report, scene
from vendor import USER, connect

if __name__ == "__main__":
    with scene() as here:
        session = here.session(USER)
        options = ClaudeAgentOptions(
            mcp_servers={"scalekit": frameworks.claude_agent_sdk(session, run=timedelta(minutes=20))}
        )
        server = options.mcp_servers["scalekit"]
        assert server.keys() == McpHttpServerConfig.__annotations__.keys(), server.keys()
        assert (server["type"], server["url"], list(server["headers"])) == ("http", session.url, ["Authorization"])
        scheme, _, token = server["headers"]["Authorization"].partition(" ")
        assert scheme == "Bearer", scheme
        seen = f"its program is answered HTTP 401: {connect(here, session.url, token, TOOLS)}"
        report("claude-agent-sdk", how="shape only", refresh="no hook", calls=here.calls, expired_text=seen)
