// `scalekit-vmcp/engine` for `import`: the same objects as for `require`.
export * from "./engine.js";
