// The documentation in the code: all that is public has some, no type is `any`, and every example is compiled and run.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import * as sdk from "scalekit-vmcp";
import * as local from "scalekit-vmcp/engine";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PRIVATE = new Set(["native.d.ts", "native.d.cts"]);

/** What the compiler wrote of each module, folders included: what is internal is not in it. */
const DECLARATIONS = readdirSync(at("dist"), { recursive: true })
  .filter((name) => /\.d\.[cm]?ts$/.test(name) && !PRIVATE.has(name))
  .map((name) => ({ name, text: readFileSync(at(`dist/${name}`), "utf8") }));

/** The declarations of a text that have no comment in front of them: exports, and the members of those. */
function undocumented(text) {
  const found = [];
  let previous = "";
  let owner = "";
  for (const line of text.split("\n")) {
    const [, exported] = /^export (?:default )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function|enum|namespace) (\w+)/.exec(line) ?? [];
    const member = owner !== "" && /^ {4}[\w[#"]/.test(line) && !/^ {4}(#private;|private )/.test(line);
    // The members of a constant are of its type.
    if (exported !== undefined) owner = / (class|interface) /.test(line) ? exported : "";
    if ((exported !== undefined || member) && !/\*\/$/.test(previous)) found.push(member ? `${owner}: ${line.trim()}` : exported);
    if (line.startsWith("}")) owner = "";
    previous = line;
  }
  return found;
}

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "");

test("all that is public is documented", () => {
  assert.ok(DECLARATIONS.filter(({ text }) => text.includes("export declare class")).length > 5);
  for (const { name, text } of DECLARATIONS) assert.deepEqual(undocumented(text), [], name);
});

test("what is not documented is found", () => {
  const text = "/** A class. */\nexport declare class A {\n    #private;\n    private constructor();\n    /** Fine. */\n    a: string;\n    b(): void;\n}\nexport interface B {\n    [key: string]: string;\n}\n";
  assert.deepEqual(undocumented(text), ["A: b(): void;", "B", "B: [key: string]: string;"]);
});

test("no public type is `any`", () => {
  for (const { name, text } of DECLARATIONS) assert.doesNotMatch(withoutComments(text), /\bany\b/, name);
});

test("comments are no shorter than a sentence, and name what is there", () => {
  const known = new Set(Object.keys({ ...sdk, ...local }));
  for (const { name, text } of DECLARATIONS) {
    for (const [, comment] of text.matchAll(/\/\*\*([\s\S]*?)\*\//g)) assert.match(comment, /\w{2}[\s\S]*\./, name);
    for (const [, link] of text.matchAll(/\{@link (\w+)/g)) {
      assert.ok(known.has(link) || new RegExp(`\\b${link}\\b`).test(withoutComments(text)) || DECLARATIONS.some((other) => new RegExp(`(interface|type|class) ${link}\\b`).test(other.text)), `${name}: {@link ${link}}`);
    }
  }
});

/** From where an example gets a name that it does not import itself. */
const NAMES = {
  "scalekit-vmcp": Object.keys(sdk).filter((name) => /^[A-Z]/.test(name)),
  "scalekit-vmcp/engine": Object.keys(local).filter((name) => /^[A-Z]/.test(name)),
  "@modelcontextprotocol/client": ["StreamableHTTPClientTransport"],
  "./setup.mjs": ["client", "clientId", "clientSecret", "config", "configId", "engine", "envUrl", "identifier", "sendToUser", "session"],
};

/** Examples with packages of others run where those are installed: as programs of their own. */
const ELSEWHERE = /^frameworks\/|^testing\.ts$|scalekit-vmcp\/testing/;

const EXAMPLES = readdirSync(at("ts"), { recursive: true })
  .filter((name) => name.endsWith(".ts") && !ELSEWHERE.test(name))
  .map((name) => ({ name: `ts/${name}`, text: readFileSync(at(`ts/${name}`), "utf8").replace(/^ *\* ?/gm, "") }))
  .flatMap(({ name, text }) => [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code], index) => ({ name: `${name}, example ${index + 1}`, code })))
  .filter(({ code }) => !ELSEWHERE.test(code));

/** The example as a module: in a block, so that it may use our names for its own. */
function asModule(code) {
  const own = code.match(/^import .*;$/gm) ?? [];
  const imported = Object.entries(NAMES).map(([module, names]) => {
    const used = names.filter((name) => new RegExp(`(?<![\\w.])${name}\\b`).test(code) && !own.some((line) => new RegExp(`\\b${name}\\b`).test(line)));
    return used.length === 0 ? `import "${module}";` : `import { ${used.join(", ")} } from "${module}";`;
  });
  return [...imported, ...own, "{", code.replace(/^import .*;$/gm, ""), "}", ""].join("\n");
}

test("every example is compiled and runs", async (context) => {
  assert.ok(EXAMPLES.length >= 7, EXAMPLES.map(({ name }) => name).join());
  const folder = at("build/documentation");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(at("tests/documentation/setup.mts"), `${folder}/setup.mts`);
  const compilerOptions = { rootDir: ".", outDir: "run", noUnusedLocals: false };
  writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ extends: "../../tests/tsconfig.json", compilerOptions, include: ["*.mts"] }));
  for (const [index, { code }] of EXAMPLES.entries()) writeFileSync(`${folder}/${index}.mts`, asModule(code));
  const compiled = spawnSync(process.execPath, [at("node_modules/typescript/bin/tsc"), "--project", folder], { encoding: "utf8" });
  assert.equal(compiled.stdout + compiled.stderr, "");
  for (const [index, { name }] of EXAMPLES.entries()) {
    await context.test(name, () => {
      // Where relative paths of the examples start.
      const { status, stderr } = spawnSync(process.execPath, [`${folder}/run/${index}.mjs`], { cwd: at("../tests/docs"), encoding: "utf8" });
      assert.deepEqual([status, stderr], [0, ""]);
    });
  }
});
