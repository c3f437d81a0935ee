// What may live in a binding: no URL path, header, status number or limit, and not much Rust.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const folder = (name) => {
  const url = new URL(`../${name}/`, import.meta.url);
  const files = readdirSync(url, { recursive: true }).filter((file) => /\.\w+$/.test(file));
  return files.map((file) => ({ name: `${name}/${file}`, text: readFileSync(new URL(file, url), "utf8") }));
};
/** Code with its texts and without its comments; documentation may say more. */
const code = (text) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "").replace(/\s\/\/ .*$/gm, "");
const GLUE = folder("src").map((file) => ({ ...file, text: code(file.text) }));
const PACKAGE = folder("ts").map((file) => ({ ...file, text: code(file.text) }));

const FORBIDDEN = [
  [/["'`]\/(api|oauth|mcp|keys|v\d)\b|\/(api|mcp)\/v\d/, "a URL path"],
  [/\b(authorization|content-type|user-agent|retry-after|x-request-id|bearer)\b["' ]/i, "a header"],
  [/\b[1-5]\d\d\b/, "a status number or a limit"],
  [/\b(86_?400|3_?600|255|25)\b/, "a limit"],
  [/\breqwest\b|\bhttp::|\bhyper\b/, "an HTTP library"],
  [/setTimeout|setInterval|\bsleep\b/, "a timer"],
];

/** Does the code of a file break a rule? */
const broken = ({ text }) => FORBIDDEN.filter(([pattern]) => pattern.test(text)).map(([, what]) => what);

test("neither the glue nor the package knows the API's paths, headers, statuses and limits", () => {
  for (const file of [...GLUE, ...PACKAGE]) assert.deepEqual(broken(file), [], file.name);
});

test("the rules find what they forbid", () => {
  for (const text of [`"/api/v1/x"`, `"/oauth/token"`, `headers.set("authorization", x)`, "status === 401", "seconds < 86_400", "reqwest::get", "setTimeout(f)"]) {
    assert.ok(broken({ text }).length > 0, text);
  }
});

test("the glue stays within 600 lines", () => {
  const lines = GLUE.flatMap(({ text }) => text.split("\n")).filter((line) => line.trim() !== "");
  assert.ok(lines.length > 100 && lines.length <= 600, `${lines.length} lines`);
});

test("one file imports the native library", () => {
  const importers = PACKAGE.filter(({ text }) => text.includes("native.cjs")).map(({ name }) => name);
  assert.deepEqual(importers, ["ts/native.ts"]);
});

test("every type of the API is exported", () => {
  const [generated, types] = ["ts/generated.ts", "ts/types.ts"].map((name) => PACKAGE.find((file) => file.name === name).text);
  const names = [...generated.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name).filter((name) => name !== "Field");
  const exported = /export type \{([^}]*)\}/.exec(types)[1].split(",").map((name) => name.trim());
  assert.ok(names.length > 40);
  assert.deepEqual(exported.filter((name) => name !== "").sort(), names.sort());
});

test("the package depends on nothing", () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
});

test("the version is the workspace's", () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const workspace = readFileSync(new URL("../../Cargo.toml", import.meta.url), "utf8");
  assert.equal(version, /\[workspace\.package\]\nversion = "([^"]+)"/.exec(workspace)[1]);
});
