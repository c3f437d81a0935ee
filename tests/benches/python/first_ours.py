"""A first token, by the client: `first_ours.py URL CA_FILE`."""

import sys

from scalekit_vmcp import ScalekitClient

url, ca = sys.argv[1:]
client = ScalekitClient(url, "skc_bench", "bench-secret", ca_file=ca)
print(len(client.actions.mcp.create_session_token("cfg_1", "user_123").token), flush=True)
