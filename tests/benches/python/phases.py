"""How long a first token takes, from phase to phase: `phases.py URL CA_FILE` prints milliseconds since its first line."""

import time

begun = time.perf_counter()
until = {}


def done(phase):
    until[phase] = (time.perf_counter() - begun) * 1000


from scalekit_vmcp import ScalekitClient  # noqa: E402

done("import")

import json  # noqa: E402
import sys  # noqa: E402

url, ca = sys.argv[1:]
done("json and sys of this script")
client = ScalekitClient(url, "skc_bench", "bench-secret", ca_file=ca)
done("client made")
mcp = client.actions.mcp
mcp.create_session_token("cfg_1", "user_123")
done("first token: access token and mint, over a new connection")
mcp.create_session_token("cfg_1", "user_123")
done("a second token, for comparison")
print(json.dumps(until))
