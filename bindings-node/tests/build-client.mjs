// Builds a client from the first argument, in a process whose environment a vector has set.

import { buildClient } from "./vectors.mjs";

console.log(JSON.stringify(await buildClient(JSON.parse(process.argv[2]))));
