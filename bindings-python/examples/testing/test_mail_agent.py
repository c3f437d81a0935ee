"""The agent against a local engine: nothing is mocked, nothing leaves this machine."""

from __future__ import annotations

import pytest
from mail_agent import mails_about
from scalekit_vmcp import AsyncScalekitClient, LocalEngine

pytestmark = pytest.mark.anyio  # anyio comes with `mcp`; `@pytest.mark.asyncio` does as well


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def alice(vmcp_engine: LocalEngine) -> str:
    """A user who has connected her mail."""
    vmcp_engine.seed(accounts=[{"connection_name": "gmail", "identifier": "alice", "credential": "her-key"}])
    return "alice"


async def test_the_agent_reads_the_mail_of_its_user(
    alice: str, vmcp_engine: LocalEngine, vmcp_async_client: AsyncScalekitClient
) -> None:
    assert await mails_about(vmcp_async_client, alice, "invoices") == "2 mails of alice about invoices"
    (call,) = vmcp_engine.wait_for(method="tools/call")
    assert (call.identifier, call.tool, call.outcome) == ("alice", "gmail_fetch_mails", "ok")


async def test_a_new_user_gets_a_link_and_then_an_answer(
    vmcp_engine: LocalEngine, vmcp_async_client: AsyncScalekitClient
) -> None:
    assert "Please connect gmail: http://" in await mails_about(vmcp_async_client, "bob", "invoices")
    (link,) = vmcp_engine.auth_links()
    vmcp_engine.complete_auth_link(link.id, "his-key")
    assert await mails_about(vmcp_async_client, "bob", "invoices") == "2 mails of bob about invoices"


async def test_a_mailbox_that_is_down_is_told_to_the_user(
    alice: str, vmcp_engine: LocalEngine, vmcp_async_client: AsyncScalekitClient
) -> None:
    vmcp_engine.add_fault(connection_name="gmail", method="tools/call", drop=True)
    assert await mails_about(vmcp_async_client, alice, "invoices") == "Your mail cannot be reached right now."


async def test_every_test_starts_with_an_empty_engine(
    vmcp_engine: LocalEngine, vmcp_async_client: AsyncScalekitClient
) -> None:
    assert (await vmcp_async_client.actions.mcp.list_configs()).configs == []
    assert vmcp_engine.faults() == []
