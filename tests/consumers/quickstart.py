"""What a newcomer runs first, with nothing installed but the wheel: an engine, a config, a session."""

import asyncio
import json
import pathlib
import tempfile
from datetime import timedelta

from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping

TOOL = {"name": "notes_list", "description": "Lists the notes.", "inputSchema": {"type": "object"}}
CONFIG = '[connections.notes]\nsandbox = "notes.json"\nauth = "none"\n'


async def main(folder: pathlib.Path) -> None:
    (folder / "notes.json").write_text(json.dumps({"tools": [TOOL], "results": {"notes_list": {"content": []}}}))
    (folder / "vmcp.toml").write_text(CONFIG)
    notes = McpConfigConnectionToolMapping(connection_name="notes")
    async with LocalEngine.start(folder / "vmcp.toml") as engine:
        async with engine.async_client() as client:
            created = await client.actions.mcp.create_config("agent", connection_tool_mappings=[notes])
            session = await client.actions.mcp.open_session(
                created.config, identifier="user_123", expiry=timedelta(hours=1)
            )
            assert list(await session.headers()) == ["Authorization"]
            report = await session.check()
        with engine.client() as client:
            assert client.actions.mcp.open_session(created.config, identifier="user_123").check() == report
        print(", ".join(tool.name for tool in report.tools))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(pathlib.Path(folder)))
