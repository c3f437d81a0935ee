"""A first token, by the official SDK over gRPC: `first_official.py URL CA_FILE`, with the CA in the environment too."""

import sys
from datetime import timedelta

from scalekit import ScalekitClient

url, _ = sys.argv[1:]
mcp = ScalekitClient(url, client_id="skc_bench", client_secret="bench-secret").actions.mcp
print(len(mcp.create_session_token("cfg_1", "user_123", timedelta(hours=1)).token), flush=True)
