// Builds the Rust half into dist/, as tests use it: in cargo's own folder, where the other tests have built most of it
// already, while `napi build` compiles everything for itself. Releases are built by tests/release_build.py.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { generateTypeDef, parseTriple } from "@napi-rs/cli";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(here, process.env.CARGO_TARGET_DIR ?? "../target");
const types = join(target, "napi-types");
const CRATE = "scalekit-vmcp-node";

function run(command, args, env = {}) {
  const { status, stdout } = spawnSync(command, args, { cwd: here, env: { ...process.env, ...env }, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  if (status !== 0) throw new Error(`\`${command} ${args.join(" ")}\` ended with ${status}`);
  return stdout;
}

mkdirSync(types, { recursive: true });
// Types are written while the crate compiles; without them it must compile again.
const again = existsSync(join(types, CRATE)) ? {} : { NAPI_FORCE_BUILD_SCALEKIT_VMCP_NODE: String(Date.now()) };
run("cargo", ["build", "--package", CRATE], { CARGO_TARGET_DIR: target, NAPI_TYPE_DEF_TMP_FOLDER: types, ...again });

const host = parseTriple(/^host: (.+)$/m.exec(run("rustc", ["-vV"]))[1]);
const [prefix, suffix] = { win32: ["", "dll"], darwin: ["lib", "dylib"] }[host.platform] ?? ["lib", "so"];
mkdirSync(join(here, "dist"), { recursive: true });
const library = join(here, "dist", `scalekit-vmcp.${host.platformArchABI}.node`);
// Not over the old one, which a process may still run.
rmSync(library, { force: true });
copyFileSync(join(target, "debug", `${prefix}scalekit_vmcp_node.${suffix}`), library);
const { dts } = await generateTypeDef({ typeDefDir: types, cwd: here });
writeFileSync(join(here, "dist", "native.d.cts"), dts);
