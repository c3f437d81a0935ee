"""Runs the tests that look at the connect page in Chromium, against a real OAuth provider.

Python's standard library only.
"""

import os
import shutil
import subprocess
import sys

from packages import NODE, build_node, install_locked
from prepare import ROOT, fail, run, say
from run import suite

TESTS = ROOT / "tests" / "browser"
TOOLS = ROOT / "target" / "browser"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def find_chromium():
    """The installed browser; where the system is Debian and we may, installed now."""
    for name in CHROMIUM:
        if path := shutil.which(name):
            return path
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        fail("Chromium was not found; install it (on Debian: `apt-get install chromium`)")
    say("installing Chromium (once)")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core")
    return shutil.which("chromium") or fail("Chromium was installed but is not found")


def install():
    """The pinned packages, and the SDK beside them."""
    install_locked(TESTS, TOOLS, "what drives the browser, and the OAuth provider,")
    sdk = TOOLS / "node_modules" / "scalekit-vmcp"
    sdk.unlink(missing_ok=True)
    sdk.symlink_to(NODE)


def main():
    chromium = find_chromium()
    build_node()
    install()
    screenshots = TOOLS / "screenshots"
    shutil.rmtree(screenshots, ignore_errors=True)
    os.environ.update(VMCP_CHROMIUM=chromium, VMCP_SCREENSHOTS=str(screenshots))
    say("the browser is " + subprocess.run([chromium, "--version"], capture_output=True, text=True).stdout.strip())
    junit = ROOT / "target" / "junit" / "browser.xml"
    totals, good = suite("the connect page", junit, "node", "--test",
                         "--test-reporter=spec", "--test-reporter-destination=stdout",
                         "--test-reporter=junit", "--test-reporter-destination={}".format(junit),
                         *sorted(test.name for test in TESTS.glob("*.test.mjs")), cwd=TESTS)
    print("the screenshots are in " + str(screenshots.relative_to(ROOT)))
    print("{} passed, {} failed, {} skipped".format(*totals), flush=True)
    return 0 if good and totals[1] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
