// The packed package in projects of users: compilers, bundlers, and where it cannot run.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import vm from "node:vm";

import { compile, makeProject, NODE_22, PACKAGE, pinned, run } from "./projects.mjs";

const { exports: entries } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
const NAMES = Object.keys(entries).filter((name) => name !== "./package.json").map((name) => name.replace(".", "scalekit-vmcp"));
const SENTENCE = /^scalekit-vmcp runs in Node\.js, Bun and Deno, not in a browser or an edge runtime: [^.]*$/;
/** What a program wants of each entry. */
const WANTED = {
  "scalekit-vmcp": "ScalekitClient",
  "scalekit-vmcp/engine": "LocalEngine",
  "scalekit-vmcp/frameworks": "mcp",
  "scalekit-vmcp/testing": "setupEngine",
};

test("what is wanted of the package names every entry of it", () => {
  assert.deepEqual(Object.keys(WANTED).sort(), NAMES.sort());
});

const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--target", "es2022", "--lib", "es2023,esnext.disposable,dom", "--types", "node", "--skipLibCheck"];
const TYPED = `
import { ScalekitClient, type Config, type Session } from "scalekit-vmcp";
import { LocalEngine } from "scalekit-vmcp/engine";
import { anthropic } from "scalekit-vmcp/frameworks";
import { setupEngine, type EngineSetup } from "scalekit-vmcp/testing";

const vmcp: EngineSetup = setupEngine({ config: "vmcp.toml", hooks });
export async function right(session: Session): Promise<string> {
  const engine: LocalEngine = vmcp.engine;
  const client: ScalekitClient = engine.client();
  const config: Config = await client.actions.mcp.getConfig({ configId: "cfg_1" });
  const { betas }: { betas: string[] } = await anthropic(session, { runSeconds: 60 });
  return config.name + betas.join();
}

// @ts-expect-error there is no such option
setupEngine({ confg: "vmcp.toml" });
// @ts-expect-error a runner has a hook for the end
setupEngine({ hooks: { beforeEach() {}, afterEach() {} } });
// @ts-expect-error the run has a length
anthropic({} as Session, {});
`;
const FILES = {
  "package.json": `{ "type": "module" }`,
  "esm.mts": `import * as hooks from "vitest";\n${TYPED}`,
  "cjs.cts": `import hooks = require("node:test");\n${TYPED}`,
};

for (const [resolution, module, files] of [["node16", "node16", ["esm.mts", "cjs.cts"]], ["bundler", "esnext", ["esm.mts"]]]) {
  test(`a strict program compiles with \`moduleResolution\` ${resolution}, and wrong lines of it do not`, async () => {
    const project = makeProject({ files: FILES });
    assert.equal(await compile(project, ...STRICT, "--module", module, "--moduleResolution", resolution, ...files), "");
  });
}

/** Bundles a program, and answers its text. */
async function bundled(program, ...given) {
  const project = makeProject({ files: { "package.json": `{ "type": "module" }`, "app.js": program } });
  const { code, all } = await run(project, pinned("esbuild/bin/esbuild"), ["app.js", "--bundle", "--outfile=out/app.js", "--log-level=warning", ...given]);
  assert.deepEqual([code, all], [0, ""]);
  return { project, text: readFileSync(join(project, "out", "app.js"), "utf8") };
}

test("a bundle for Node leaves the package out and works", async () => {
  const program = `
    import { ScalekitClient } from "scalekit-vmcp";
    import { LocalEngine } from "scalekit-vmcp/engine";
    async function main() {
      const engine = await LocalEngine.start({ configToml: "" });
      const client = engine.client();
      console.log(client instanceof ScalekitClient, (await client.actions.mcp.listConfigs()).configs);
      await client.close();
      await engine.close();
    }
    main();
  `;
  for (const [format, type] of [["esm", "module"], ["cjs", "commonjs"]]) {
    const { project, text } = await bundled(program, "--platform=node", "--external:scalekit-vmcp", `--format=${format}`);
    assert.ok(text.length < 2 * program.length);
    writeFileSync(join(project, "out", "package.json"), JSON.stringify({ type }));
    const { stdout, all } = await run(project, process.execPath, ["out/app.js"]);
    assert.equal(stdout, "true []\n", all);
  }
});

for (const given of [["--platform=browser"], ["--platform=neutral", "--conditions=edge-light"], ["--platform=neutral", "--conditions=workerd"]]) {
  test(`a bundle with ${given.join(" ")} says in one sentence why it does not work`, async () => {
    for (const [name, wanted] of Object.entries(WANTED)) {
      const { text } = await bundled(`import { ${wanted} } from "${name}"; ${wanted}();`, "--format=iife", ...given);
      // Nothing of Node is there.
      assert.throws(() => vm.runInNewContext(text), ({ name, message }) => name === "Error" && SENTENCE.test(message));
    }
  });
}

test("the example of a web application is true, and typed", async () => {
  const project = makeProject({ folder: join(PACKAGE, "examples", "web") });
  assert.equal(await compile(project), "");
  const { code, stdout, all } = await run(project, NODE_22, ["--test", "--test-reporter=spec"]);
  assert.equal(code, 0, all);
  assert.match(stdout, /^ℹ pass 6$/m);
});
