"""A web application whose client is made and used in gunicorn's master, before there are workers."""

import json
import os

from scalekit_vmcp import ScalekitClient

client = ScalekitClient.from_env()
config = client.actions.mcp.get_config(name="agent")
master = os.getpid()


def application(environ, start_response):
    """Answers who asked, and what the engine says of the config."""
    again = client.actions.mcp.get_config(config.id)
    session = client.actions.mcp.open_session(config, identifier="user")
    seen = {"pid": os.getpid(), "master": master, "same": again == config, "authorized": bool(session.headers())}
    body = json.dumps(seen).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
