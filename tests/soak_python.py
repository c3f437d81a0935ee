"""The campaigns of the Python package at full size: exits, forks, interrupts, cancellations, calls.

Python's standard library only.
"""

import subprocess
import sys

from packages import PYTHON, PYTHON_BIN, build_python
from prepare import environment


def main():
    build_python()
    command = [PYTHON_BIN, "-B", "-m", "pytest", "-q", "-s", "tests/test_campaigns.py"]
    return subprocess.run(command, cwd=PYTHON, env=dict(environment(), VMCP_SOAK="1")).returncode


if __name__ == "__main__":
    sys.exit(main())
