#!/usr/bin/env node
// The `vmcp` command: all of it is in the native library.

import { runCommand } from "./native.js";

// Node's own handlers raise the signal again and again when the command's are put in front of
// them; those of a listener do not.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});

process.exitCode = runCommand(["vmcp", ...process.argv.slice(2)]);
