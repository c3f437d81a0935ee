"""What no schema can say: some values must be of things that exist, or fit each other.

Only in cases that are meant to be accepted; those that are meant to be refused stay as they are.
"""

import copy
import json
import os
import urllib.error
import urllib.request

import schemathesis

CONFIG = "contract"
# Say whose account they are about by `id`, or by `connector` and `identifier`.
ABOUT_ONE_ACCOUNT = ("/auth", "/details", "/this", ":delete", "/magic_link", "/connected_accounts")


def make_config(base):
    """A config to make instances of; other cases may have deleted it."""
    request = urllib.request.Request(
        base.rstrip("/") + "/api/v1/mcp/configs", data=json.dumps({"name": CONFIG}).encode(),
        headers={"Authorization": "Bearer " + os.environ["VMCP_TOKEN"]})
    try:
        urllib.request.urlopen(request).close()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 409:
            raise


def name_account(values):
    if not values.get("id"):
        values["connector"] = "calendar"
        values["identifier"] = values.get("identifier") or "user"


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    path = case.operation.path
    about_one = path.startswith("/api/v1/connected_accounts") and path.endswith(ABOUT_ONE_ACCOUNT)
    query = case.query if isinstance(case.query, dict) else {}
    # Tokens of pages are those that the engine gave out.
    if query.get("page_token"):
        query["page_token"] = ""
    # Filters that have a rule across two parameters, or name a server.
    for name in ("connection_names", "filter.connector", "filter.mcp_server_url"):
        query.pop(name, None)
    if case.method == "GET" and about_one and not path.endswith("/connected_accounts"):
        name_account(query)
        case.query = query
    if case.body.__class__.__name__ == "NotSet" and case.method != "GET" and about_one:
        case.body = {}
        case.media_type = "application/json"
    if not isinstance(case.body, dict):
        return
    # A copy: parts of it may be shared with cases that are meant to be refused.
    body = case.body = copy.deepcopy(case.body)
    if about_one:
        name_account(body)
        if case.method == "POST" and path.endswith("/connected_accounts"):
            body.pop("id", None)
            name_account(body)
    elif path.endswith(":disconnect") and (case.path_parameters or {}).get("id") in ("this", "-"):
        name_account(body)
    # Credentials have rules of their own: one kind, one key.
    account = body.get("connected_account")
    if isinstance(account, dict) and account.get("authorization_details"):
        account["authorization_details"] = {"static_auth": {"details": {"api_key": "k"}}}
    if body.get("user_verify_url"):
        body["user_verify_url"] = "https://app.example/verify"
    # A token has one target: that of the path.
    if path.endswith("/tokens"):
        body.pop("key_id", None)
        body.pop("mcp_config_id", None)
    # Connections and their tools are those of the settings.
    mappings = body.get("connection_tool_mappings")
    if isinstance(mappings, list):
        del mappings[2:]
        for mapping, name in zip(mappings, ("gmail", "calendar")):
            mapping["connection_name"] = name
            mapping.pop("tools", None)
    if path.startswith("/api/v1/mcp/instances") and body.get("config_name"):
        make_config(case.operation.base_url)
        body["config_name"] = CONFIG
