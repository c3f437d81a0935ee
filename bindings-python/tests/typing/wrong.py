"""Every marked line is a mistake that a type checker must find, and there is no other."""

from datetime import timedelta

from scalekit_vmcp import (
    ALL_TOOLS,
    AsyncScalekitClient,
    LocalEngine,
    McpConfigConnectionToolMapping,
    ScalekitAuthorizationRequiredException,
    ScalekitClient,
)
from scalekit_vmcp.common.exceptions import ScalekitServerException, ScalekitToolException

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

actions.create_config()  # wrong
actions.create_config(["a"])  # wrong
actions.update_config("cfg", name="b")  # wrong
actions.ensure_instance("a", user="u")  # wrong
actions.get_instance("inst").config  # wrong
actions.list_instances(search="a")  # wrong
actions.create_session_token("cfg", "user")  # wrong
actions.execute_tool("gmail_fetch_mails")  # wrong
actions.get_authorization_link("user", connector="gmail")  # wrong
actions.mcp.actions  # wrong

session = mcp.open_session("cfg", identifier="user")
mcp.open_session("cfg", "user")  # wrong
mcp.open_session("cfg", identifier="user", expiry=3600)  # wrong
mcp.open_session(identifier=b"user")  # wrong
session.url = "https://a.example"  # wrong
session.headers["Authorization"]  # wrong
session.authorization_for()  # wrong
session.rejected(None)  # wrong
session.check().tools[0].nmae  # wrong
session.close()  # wrong

mcp.wait_until_active("cfg", "user", connection_names="gmail", timeout=timedelta(1)).state()  # wrong
for change in mcp.wait_until_active("cfg", "user"):
    change.link  # wrong
sum(mcp.wait_until_active("cfg", "user").states())  # wrong

LocalEngine(config=5)  # wrong
LocalEngine(seed_ids="1")  # wrong
LocalEngine().complete_auth_link("link")  # wrong
LocalEngine().journal(since="1")  # wrong
LocalEngine().add_fault(path="/a", retries=1)  # wrong
LocalEngine().env_url = "x"  # wrong
LocalEngine().async_wait_for().status  # wrong

ScalekitServerException("text").http_status + 1  # wrong
ScalekitServerException("text").tool_error_code  # wrong
ScalekitToolException("text").execution_id.upper()  # wrong
ScalekitAuthorizationRequiredException("text").connections.url  # wrong


async def awaited() -> None:
    (await later.create_config("a")).configuration  # wrong
    await later.delete_config()  # wrong
    for _ in later.iter_configs():  # wrong
        pass
    for _ in later.wait_until_active("cfg", "user"):  # wrong
        pass
    (await later.wait_until_active("cfg", "user")).states()  # wrong
    session = await later.open_session("cfg", identifier="user")
    session.token().upper()  # wrong
    (await session.headers()).url  # wrong
    with session:  # wrong
        pass
    for _ in AsyncScalekitClient().actions.list_configs():  # wrong
        pass
    with AsyncScalekitClient():  # wrong
        pass
    (await LocalEngine.start(port="1")).env_url  # wrong
    async with ScalekitClient():  # wrong
        pass
