"""FastMCP's proxy in front of one server, over HTTP: `fastmcp_proxy.py PORT URL`."""

import sys

from fastmcp.server import create_proxy

if __name__ == "__main__":
    port, url = sys.argv[1:]
    create_proxy(url).run(transport="http", host="127.0.0.1", port=int(port), show_banner=False, log_level="error")
