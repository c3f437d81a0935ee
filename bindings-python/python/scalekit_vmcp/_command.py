"""The `vmcp` command."""

from __future__ import annotations

import signal
import sys

from scalekit_vmcp._bridge import engine_parts


def main() -> int:
    """Runs `vmcp` with the arguments of this process and returns its exit code."""
    _, run_command = engine_parts()
    # The command listens for Ctrl-C itself; Python must not raise when it has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return run_command(["vmcp", *sys.argv[1:]])
