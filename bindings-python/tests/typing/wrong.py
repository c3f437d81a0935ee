"""Every marked line is a mistake that a type checker must find, and there is no other."""

from datetime import timedelta

from scalekit_vmcp import ALL_TOOLS, AsyncScalekitClient, LocalEngine, McpConfigConnectionToolMapping, ScalekitClient

actions = ScalekitClient().actions
mcp = actions.mcp
later = AsyncScalekitClient().actions.mcp

mcp.create_config()  # wrong
mcp.create_config(nmae="a")  # wrong
mcp.create_config("a", connection_tool_mappings=["gmail"])  # wrong
mcp.create_session_token("cfg", "user", 3600)  # wrong
mcp.create_session_token("cfg", "user", None, None, "gmail")  # wrong
mcp.open_session("cfg")  # wrong
mcp.list_configs(page_size="10")  # wrong
mcp.get_config("cfg").nmae  # wrong
mcp.get_config("cfg", "a")  # wrong
mcp.ensure_config()  # wrong
mcp.ensure_instance("a")  # wrong
mcp.get_instance("inst").config  # wrong
mcp.wait_until_active("cfg", "user", ["gmail"])  # wrong
mcp.wait_until_active("cfg", "user", timeout=60)  # wrong
mcp.wait_until_active("cfg", "user")[0]  # wrong
actions.get_connected_account(connector="gmail")  # wrong
actions.create_connected_account("gmail", "user", "token")  # wrong
actions.get_connected_account("gmail", "user").status  # wrong
actions.list_tools(tool_name=5)  # wrong
McpConfigConnectionToolMapping("gmail")  # wrong
McpConfigConnectionToolMapping(connection_name="gmail", tools="x")  # wrong
McpConfigConnectionToolMapping(connection_name="gmail", tools=None)  # wrong
ALL_TOOLS.append("x")  # wrong
ScalekitClient(timeout=5)  # wrong
ScalekitClient().with_options(retries=1)  # wrong
LocalEngine(port="1").advance_clock(timedelta(1))  # wrong
LocalEngine().advance_clock(1)  # wrong
LocalEngine().add_fault(path="/a", latency=5)  # wrong
LocalEngine().journal(kind="grpc")  # wrong
LocalEngine().set_account_status("gmail", "u", "GONE")  # wrong
LocalEngine().seed(configs=[{"nmae": "a"}])  # wrong
LocalEngine().wait_for().status  # wrong


async def awaited() -> None:
    (await later.create_config("a")).configuration  # wrong
    await later.delete_config()  # wrong
    for _ in later.iter_configs():  # wrong
        pass
    for _ in later.wait_until_active("cfg", "user"):  # wrong
        pass
    (await later.wait_until_active("cfg", "user")).states()  # wrong
