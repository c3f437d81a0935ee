// Plays every vector of the server named by the first argument and prints, as one line of JSON,
// what failed and how many were played. For runtimes without `node:test`.

import { playAll } from "./vectors.mjs";

const played = await playAll(process.argv[2]);
console.log(JSON.stringify({ played: played.length, failed: played.filter(({ problems }) => problems.length > 0) }));
