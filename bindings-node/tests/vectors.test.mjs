// Every vector in this runtime; the ids go to the folder VMCP_VECTORS_RAN for the meta-test.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { startVectorServer } from "./vector-server.mjs";
import { playAll } from "./vectors.mjs";

let server;
before(async () => (server = await startVectorServer()));
after(() => server.stop());

test("every case passes", async () => {
  const played = await playAll(server.baseUrl);
  assert.ok(played.length > 0);
  const failed = played.filter(({ problems }) => problems.length > 0);
  assert.deepEqual(failed, []);
  const folder = process.env.VMCP_VECTORS_RAN;
  if (folder) {
    writeFileSync(join(folder, "node.json"), JSON.stringify(played.map(({ id }) => id)));
  }
});
