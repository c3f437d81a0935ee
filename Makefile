# All that is built or installed goes into target/. CONTRIBUTING.md says what is needed.

.DEFAULT_GOAL := help
.PHONY: help demo test test-packages docs test-browser frameworks lint advisories fmt generate prepare bench soak coverage release-check

help:
	@echo "make demo   let agents use real MCP servers through the engine, in Rust, Python and TypeScript"
	@echo "make test   run every test; the last line holds the totals"
	@echo "make docs   run every block of the documentation, and check its links; \`make test\` does so too"
	@echo "make test-packages   run the tests of the Python and Node packages with the Python and the Node that run here"
	@echo "make test-browser   look at the connect page in Chromium, against a real OAuth provider"
	@echo "make frameworks   let every agent framework connect to the engine, and renew a token in mid-run"
	@echo "make lint   check format, clippy, documentation, workflows and where the crates come from; a warning is an error"
	@echo "make bench  measure the client (needs valgrind), both packages and the engine beside others, and write tests/benches/REPORT.md"
	@echo "make soak   run what takes long: kill -9 under load, fifty users at once, killed clients, the campaigns of the Python and Node packages, schemathesis, fuzzers (at most 60 minutes)"
	@echo "make coverage   measure how much of core its tests run (needs the LLVM tools)"
	@echo "make advisories   look for known vulnerabilities of the crates (asks GitHub)"
	@echo "make release-check   build, check and install what a release publishes, for this machine (a quarter of an hour or more)"
	@echo "make fmt    format the code"
	@echo "make generate   write the types of the language packages from the schema of core"

demo: prepare
	@echo "==> the demo in Rust"
	@VMCP_UPSTREAMS="$(CURDIR)/target/upstreams" cargo run -p scalekit-vmcp-engine --example demo
	@python3 tests/packages.py
	@echo "==> the demo in Python"
	@VMCP_UPSTREAMS="$(CURDIR)/target/upstreams" target/venvs/python/bin/python -B bindings-python/examples/demo.py
	@echo "==> the demo in TypeScript"
	@VMCP_UPSTREAMS="$(CURDIR)/target/upstreams" node bindings-node/build/examples/demo.mjs

test: prepare
	@python3 tests/run.py

docs: prepare
	@python3 tests/docs.py

test-packages:
	@python3 tests/versions.py

test-browser: prepare
	@python3 tests/browser.py

frameworks: prepare
	@python3 tests/frameworks.py

lint:
	@echo "==> checking the format"
	@cargo fmt --all --check
	@echo "==> checking the code with clippy"
	@cargo clippy --workspace --all-targets -- -D warnings
	@echo "==> checking the packages without the engine"
	@cargo clippy --locked -p scalekit-vmcp-python -p scalekit-vmcp-node --no-default-features -- -D warnings
	@echo "==> checking the documentation"
	@RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace
	@echo "==> checking that the generated types are those of core"
	@cargo run -q -p scalekit-vmcp-tests --bin vmcp-codegen -- --check
	@python3 tests/lint.py
	@echo "lint passed"

advisories:
	@python3 tests/lint.py advisories

bench: prepare
	@python3 tests/bench_report.py

soak: prepare
	@python3 tests/soak.py

coverage: prepare
	@python3 tests/coverage.py

release-check: prepare
	@python3 tests/release.py check

generate:
	@cargo run -q -p scalekit-vmcp-tests --bin vmcp-codegen

fmt:
	@echo "==> formatting"
	@cargo fmt --all

# What demo and test stand on; quick when it is all there.
prepare:
	@command -v python3 >/dev/null || { echo "error: \`python3\` was not found; install Python 3.10 or newer" >&2; exit 1; }
	@python3 tests/prepare.py
