// What a bundle for a browser or an edge runtime gets in the place of this package.

throw new Error(
  "scalekit-vmcp runs in Node.js, Bun and Deno, not in a browser or an edge runtime: it is native code, and the client secret that it needs must stay on a server",
);

// A module, so that bundlers do not take it for one that exports nothing.
export {};
