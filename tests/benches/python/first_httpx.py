"""A first token, by httpx: `first_httpx.py URL CA_FILE`."""

import ssl
import sys

import httpx

url, ca = sys.argv[1:]
with httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=ca), timeout=60) as client:
    form = {"grant_type": "client_credentials", "client_id": "skc_bench", "client_secret": "bench-secret"}
    access = client.post("/oauth/token", data=form).raise_for_status().json()["access_token"]
    headers = {"authorization": "Bearer " + access, "x-api-version": "20261012"}
    minted = client.post("/api/v1/mcp/configs/cfg_1/tokens", json={"identifier": "user_123"}, headers=headers)
    print(len(minted.raise_for_status().json()["token"]), flush=True)
