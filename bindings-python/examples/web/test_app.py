"""The application as browsers meet it: a real server, a real engine, cookies and redirects."""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from app import app
from scalekit_vmcp import LocalEngine


@pytest.fixture
def site(vmcp_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the running application."""
    monkeypatch.setenv("SCALEKIT_ENV_URL", vmcp_engine.env_url)
    monkeypatch.setenv("SCALEKIT_CLIENT_ID", vmcp_engine.client_id)
    monkeypatch.setenv("SCALEKIT_CLIENT_SECRET", vmcp_engine.client_secret)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser(site: str) -> Iterator[Callable[[str], httpx.Client]]:
    """Makes the browser of a user who has signed in."""
    browsers: list[httpx.Client] = []

    def of(user: str) -> httpx.Client:
        one = httpx.Client(base_url=site, trust_env=False, follow_redirects=True)
        browsers.append(one)
        assert one.post("/login", json={"user": user}).status_code == 200
        return one

    yield of
    for one in browsers:
        one.close()


def enter_key(browser: httpx.Client, page: httpx.Response) -> httpx.URL:
    """Fills in the form of the connect page; where the page then sends the browser."""
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token is not None, page.text
    onward = browser.post(page.url, data={"form_token": token[1], "api_key": "a-key"})
    target = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', onward.text)
    assert target is not None, onward.text
    return httpx.URL(html.unescape(target[1]))


def test_a_user_connects_and_asks(browser: Callable[[str], httpx.Client], vmcp_engine: LocalEngine) -> None:
    alice = browser("alice")
    refused = alice.post("/ask", json={"question": "invoices"})
    assert refused.status_code == 409
    page = alice.get(refused.json()["connect"]["gmail"])
    assert "Mail agent" in page.text
    back = alice.get(enter_key(alice, page))
    assert (back.status_code, back.url.path, back.json()) == (200, "/connections", {"gmail": "ACTIVE"})
    assert alice.post("/ask", json={"question": "invoices"}).json() == {"answer": "2 mails of alice about invoices"}
    (call,) = vmcp_engine.wait_for(method="tools/call")
    assert (call.identifier, call.outcome) == ("alice", "ok")


def test_a_link_that_was_passed_on_connects_nothing(browser: Callable[[str], httpx.Client]) -> None:
    mallory, bob = browser("mallory"), browser("bob")
    link = mallory.get("/connect/gmail", follow_redirects=False).headers["location"]
    back = enter_key(bob, bob.get(link))
    assert back.path == "/callback" and back.params["auth_request_id"]
    assert bob.get(back).status_code == 403
    assert bob.get("/connections").json() == {"gmail": None}
    assert mallory.get("/connections").json() == {"gmail": "PENDING_VERIFICATION"}


def test_another_users_request_is_refused_even_with_a_state_of_ones_own(
    browser: Callable[[str], httpx.Client],
) -> None:
    mallory, bob = browser("mallory"), browser("bob")
    of_mallory = enter_key(mallory, mallory.get("/connect/gmail"))
    of_bob = enter_key(bob, bob.get("/connect/gmail"))
    answer = bob.get(of_bob.copy_set_param("auth_request_id", of_mallory.params["auth_request_id"]))
    assert (answer.status_code, answer.json()) == (403, {"detail": "This authorization is another user's."})


def test_an_authorization_is_confirmed_once(browser: Callable[[str], httpx.Client]) -> None:
    alice = browser("alice")
    back = enter_key(alice, alice.get("/connect/gmail"))
    assert alice.get(back).status_code == 200
    assert alice.get(back).status_code == 403


def test_nobody_acts_without_a_login(site: str) -> None:
    with httpx.Client(base_url=site, trust_env=False) as stranger:
        assert stranger.get("/connections").status_code == 401
        assert stranger.get("/connect/gmail").status_code == 401
        assert stranger.get("/callback?auth_request_id=a&state=b").status_code == 401
        assert stranger.post("/ask", json={"question": "invoices"}).status_code == 401


def test_it_starts_by_itself_with_an_engine_of_its_own() -> None:
    command = [sys.executable, Path(__file__).with_name("app.py")]
    with subprocess.Popen(command, env=dict(os.environ, PORT="0"), stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        address = next(found[0] for line in program.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        with httpx.Client(base_url=address, trust_env=False) as alice:
            alice.post("/login", json={"user": "alice"})
            assert alice.get("/connections").json() == {"gmail": None}
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=30)
    assert program.returncode == 0 and "Traceback" not in said, said
