"""The campaigns of the Node package at full size, in every runtime: ends of processes, workers, aborts, calls.

Python's standard library only.
"""

import subprocess
import sys

from packages import NODE, build_node, install_runtimes
from prepare import environment


def main():
    build_node()
    install_runtimes()
    command = ["node", "--test", "--test-reporter=spec", "tests/campaigns.test.mjs"]
    return subprocess.run(command, cwd=NODE, env=dict(environment(), VMCP_SOAK="1")).returncode


if __name__ == "__main__":
    sys.exit(main())
