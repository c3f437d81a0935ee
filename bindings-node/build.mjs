// Writes the package's code into dist/: what the entries share goes into `main.js`, the rest of each into its own file.

import { readdirSync, rmSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = resolve(here, "ts");
const dist = resolve(here, "dist");
const MAIN = resolve(source, "main.ts");
// `testing.js` and `testing.mjs` share the state of `hooks.js`.
const ENTRIES = ["index", "engine", "testing", "hooks", "frameworks/index", "elsewhere", "vmcp"].map((name) => resolve(source, `${name}.ts`));
const MODULES = ["index", "engine", "testing", "frameworks/index"].map((name) => resolve(source, `${name}.mts`));

// Names of classes are shown to users.
const common = { keepNames: true, outdir: dist, outbase: source, platform: "node", target: "node20", charset: "utf8", logLevel: "warning", legalComments: "none" };

/** Leaves the native library, and for all but `main` what another file of the package holds, to `require`. */
const apart = (shared) => ({
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /\.node$|^@scalekit-vmcp\// }, () => ({ external: true }));
    onResolve({ filter: /^\.\.?\/.*\.js$/ }, ({ path, importer }) => {
      const file = resolve(dirname(importer), path.replace(/\.js$/, ".ts"));
      const holder = shared.has(file) ? MAIN : ENTRIES.includes(file) ? file : undefined;
      if (holder === undefined) return undefined;
      const name = relative(dirname(importer), holder).replace(/\.ts$/, ".js");
      return { path: name.startsWith(".") ? name : `./${name}`, external: true };
    });
  },
});

for (const name of readdirSync(dist, { recursive: true })) {
  if (/\.m?js$/.test(name)) rmSync(resolve(dist, name));
}
const { metafile } = await build({ ...common, entryPoints: [MAIN], bundle: true, format: "cjs", metafile: true, absWorkingDir: here, plugins: [apart(new Set())] });
const shared = new Set(Object.keys(metafile.inputs).map((name) => resolve(here, name)));
await build({ ...common, entryPoints: ENTRIES, bundle: true, format: "cjs", plugins: [apart(shared)] });
await build({ ...common, entryPoints: MODULES, format: "esm", outExtension: { ".js": ".mjs" } });
