// A first token, by `fetch`: `first-fetch.mjs URL`, with the CA in NODE_EXTRA_CA_CERTS.

import { accessToken, FETCH, mintWith } from "./by-hand.mjs";

const [url] = process.argv.slice(2);
const { token } = await mintWith(FETCH, url, await accessToken(FETCH, url));
console.log(token.length);
