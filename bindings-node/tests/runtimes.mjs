// The runtimes that users have besides the one of this process, installed by npm below target/node.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const below = (path) => fileURLToPath(new URL(`../../target/node/${path}`, import.meta.url));

/** Each with its program and the arguments in front of a script. */
export const RUNTIMES = [
  { name: "this node", program: process.execPath, before: [] },
  { name: "node 22", program: below("node22/node_modules/.bin/node"), before: [] },
  { name: "node 24", program: below("node24/node_modules/.bin/node"), before: [] },
  { name: "bun", program: below("runtimes/node_modules/.bin/bun"), before: ["run"] },
  { name: "deno", program: below("runtimes/node_modules/.bin/deno"), before: ["run", "--allow-all", "--no-prompt"] },
];

/** Whether it can be started; a test without its runtime fails. */
export function isThere({ program }) {
  return existsSync(program);
}
