"""The user of a page, for code that readers do not see."""

import builtins
import json
import os
import urllib.request

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def control(path, body=None):
    """Steers the engine by its test controls."""
    request = urllib.request.Request(
        os.environ["SCALEKIT_ENVIRONMENT_URL"] + "/_local/" + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["VMCP_ADMIN_TOKEN"], "Content-Type": "application/json"},
    )
    with _open(request, timeout=30) as answer:
        return json.load(answer)


def authorize(_link=""):
    """Opens every link that is there, and does what it asks for. Answers where the last one leads to verify the user."""
    links = [link for link in control("auth_links")["auth_links"] if link["state"] == "open"]
    assert links, "no link is open"
    for link in links:
        done = control("auth_links/complete", {"link_id": link["id"], "credential": "a-key"})
    return done.get("verify_url")


def print(*what):  # noqa: A001
    """Prints, for a user who opens the links that are printed."""
    builtins.print(*what, flush=True)
    if any(str(one).startswith(os.environ["SCALEKIT_ENVIRONMENT_URL"] + "/connect/") for one in what):
        authorize()
