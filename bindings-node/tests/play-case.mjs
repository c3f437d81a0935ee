// Plays the started case that is the first argument, in a process whose environment the case has set.

import { playHere } from "./vectors.mjs";

console.log(JSON.stringify(await playHere(JSON.parse(process.argv[2]))));
