"""A web application whose users connect their accounts, and for whom an agent then acts.

    python app.py

starts it, and a local engine with it: sign in at http://127.0.0.1:8000/docs, follow the link to the
connect page, come back, ask. With the `SCALEKIT_*` variables set, `uvicorn app:app` uses that environment.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
from fastapi import Body, Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from scalekit_vmcp import (
    AsyncScalekitClient,
    McpConfigConnectionToolMapping,
    ScalekitAuthorizationRequiredException,
)
from scalekit_vmcp.common.exceptions import ScalekitForbiddenException, ScalekitNotFoundException

HERE = Path(__file__).parent
TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client and one config for as long as the application runs; users share both."""
    async with AsyncScalekitClient.from_env() as client:
        app.state.client = client
        app.state.config = (await client.actions.mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS)).config
        yield


app = FastAPI(lifespan=lifespan)


@dataclass
class Login:
    """A user's session with this application."""

    user: str
    states: dict[str, str] = field(default_factory=dict)
    """The connections that the user is about to authorize, by the `state` of their links."""


logins: dict[str, Login] = {}
"""By the value of the cookie. In a database, if there is more than one process."""


def signed_in(login: Annotated[str | None, Cookie()] = None) -> Login:
    """The login of the browser that asks."""
    try:
        return logins[login or ""]
    except KeyError:
        raise HTTPException(401, "Sign in first.") from None


SignedIn = Annotated[Login, Depends(signed_in)]


@app.post("/login")
def sign_in(user: Annotated[str, Body(embed=True)], response: Response) -> None:
    """Signs a user in. A real application would ask for proof."""
    key = secrets.token_urlsafe()
    logins[key] = Login(user)
    response.set_cookie("login", key, httponly=True, samesite="lax")


@app.get("/connections")
async def connections(request: Request, login: SignedIn) -> dict[str, str | None]:
    """How the user stands with each connection of the agent."""
    mcp = request.app.state.client.actions.mcp
    answer = await mcp.list_mcp_connected_accounts(request.app.state.config.id, login.user)
    return {state.connection_name: state.connected_account_status for state in answer.connected_accounts}


@app.get("/connect/{connection_name}")
async def connect(request: Request, connection_name: str, login: SignedIn) -> RedirectResponse:
    """Sends the user to authorize a connection, with a way back that only this login can use."""
    state = secrets.token_urlsafe()
    answer = await request.app.state.client.actions.get_authorization_link(
        identifier=login.user,
        connection_name=connection_name,
        state=state,
        user_verify_url=str(request.url_for("callback")),
    )
    login.states[state] = connection_name
    return RedirectResponse(answer.link, 303)


@app.get("/callback")
async def callback(request: Request, auth_request_id: str, state: str, login: SignedIn) -> RedirectResponse:
    """Confirms that the user who comes back is the one who was sent, and only then is the account active.

    The user is the one of the cookie, never one of the URL: a link that somebody passed on connects nothing.
    """
    if login.states.pop(state, None) is None:
        raise HTTPException(403, "This authorization was not begun here.")
    try:
        await request.app.state.client.actions.verify_connected_account_user(auth_request_id, login.user)
    except ScalekitForbiddenException:
        raise HTTPException(403, "This authorization is another user's.") from None
    except ScalekitNotFoundException:
        raise HTTPException(410, "This authorization has ended; connect again.") from None
    return RedirectResponse(request.url_for("connections"), 303)


@app.post("/ask")
async def ask(request: Request, question: Annotated[str, Body(embed=True)], login: SignedIn) -> Any:
    """Lets the agent act for the user: one session for one run."""
    mcp = request.app.state.client.actions.mcp
    try:
        session = await mcp.open_session(request.app.state.config, identifier=login.user, expiry=timedelta(minutes=10))
    except ScalekitAuthorizationRequiredException as error:
        links = {
            state.connection_name: str(request.url_for("connect", connection_name=state.connection_name))
            for state in error.connections
        }
        return JSONResponse({"connect": links}, 409)
    async with (
        httpx2.AsyncClient(headers=await session.headers(), trust_env=False) as http,
        Client(streamable_http_client(session.url, http_client=http)) as agent,
    ):
        result = await agent.call_tool("gmail_fetch_mails", {"query": question})  # a model would choose the tool
    return {"answer": "\n".join(block.text for block in result.content if block.type == "text")}


def main() -> None:
    """Serves the application on this machine, with an engine of its own."""
    import uvicorn
    from scalekit_vmcp import LocalEngine

    with LocalEngine(HERE / "vmcp.toml") as engine:
        os.environ["SCALEKIT_ENV_URL"] = engine.env_url
        os.environ["SCALEKIT_CLIENT_ID"] = engine.client_id
        os.environ["SCALEKIT_CLIENT_SECRET"] = engine.client_secret
        uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))


if __name__ == "__main__":
    main()
