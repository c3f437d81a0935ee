// Projects of users: folders with files of their own, in which the package is installed as npm packs
// it, beside what `tests/projects/package.json` pins.

import { execFile, execFileSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";

import { RUNTIMES } from "./runtimes.mjs";

export const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const SHARED = fileURLToPath(new URL("../../target/node/projects", import.meta.url));

/** Newer than this one may be: vitest wants it, and it runs TypeScript. */
export const NODE_22 = RUNTIMES.find(({ name }) => name === "node 22").program;

/** The path of what is pinned. */
export const pinned = (path) => join(SHARED, "node_modules", path);

let packed;
after(() => packed !== undefined && rmSync(packed, { recursive: true }));

/** The package as users get it; once per process. */
function pack() {
  if (packed === undefined) {
    packed = mkdtempSync(join(SHARED, "packed-"));
    execFileSync("npm", ["pack", "--silent", "--pack-destination", packed], { cwd: PACKAGE });
    const [archive] = readdirSync(packed);
    execFileSync("tar", ["-xf", archive], { cwd: packed });
  }
  return join(packed, "package");
}

/** Makes a project from a folder, from files by their names, or from both; it is gone after the test. */
export function makeProject({ folder, files = {} }) {
  const from = pack();
  const project = mkdtempSync(join(SHARED, "project-"));
  after(() => rmSync(project, { recursive: true }));
  if (folder !== undefined) cpSync(folder, project, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  // Not a link to the folder: the package would not be in `node_modules` for tools that follow it.
  link(from, join(project, "node_modules", "scalekit-vmcp"));
  return project;
}

function link(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [one, other] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) link(one, other);
    else linkSync(one, other);
  }
}

/** Runs a program in a project: how it ended, and what it printed. */
export function run(project, program, given, variables = {}) {
  const { NODE_TEST_CONTEXT: _ours, ...environment } = process.env;
  const env = { ...environment, NO_COLOR: "1", ...variables };
  return new Promise((resolve) => {
    // One that hangs is ended.
    execFile(program, given, { cwd: project, env, timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr, all: stdout + stderr });
    });
  });
}

/** The compiler's complaints about a project. */
export async function compile(project, ...given) {
  return (await run(project, process.execPath, [pinned("typescript/bin/tsc"), ...given])).all;
}

/** Runs vitest in a project. */
export function vitest(project, ...given) {
  return run(project, NODE_22, [pinned("vitest/vitest.mjs"), "run", ...given], { CI: "1" });
}
