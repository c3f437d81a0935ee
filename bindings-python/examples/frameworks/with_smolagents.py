"""smolagents on a Virtual MCP server, from nothing to a tool's result.

Needs `pip install 'smolagents[mcp]' 'mcp<2'`.
"""

import pathlib

from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping, frameworks

GMAIL = """
[connections.gmail]
sandbox = "gmail.json"
auth = "none"
"""


def main() -> None:
    # A server on this machine; with an environment of your own: ScalekitClient.from_env().
    folder = pathlib.Path(__file__).parents[1]
    with LocalEngine(config_toml=GMAIL, config_folder=folder) as engine, engine.client() as client:
        gmail = McpConfigConnectionToolMapping(connection_name="gmail")
        created = client.actions.mcp.create_config("mail-agent", connection_tool_mappings=[gmail])
        session = client.actions.mcp.open_session(created.config, identifier="user_123")

        with frameworks.smolagents(session) as tools:
            print("tools:", [tool.name for tool in tools])
            # With a model: ToolCallingAgent(tools=tools, model=model).run("What is new?"); it does this:
            print(tools[0](query="invoices"))


if __name__ == "__main__":
    main()
