// All that the entries share: one file in the package, because twenty load slowly.

export * from "./actions.js";
export * from "./bridge.js";
export * from "./client.js";
export * from "./convert.js";
export * from "./errors.js";
export * from "./failure.js";
export * from "./generated.js";
export * from "./log.js";
export * from "./mcp.js";
export { CallHandle, runCommand, startEngine } from "./native.js";
export * from "./options.js";
export * from "./session.js";
export * from "./tables.js";
export * from "./wait.js";
