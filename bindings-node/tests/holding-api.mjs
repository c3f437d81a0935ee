// An API that answers for `cfg_1` and holds every request for something else, until the caller goes.
// `GET /test/held/cfg_x/5` is answered once five requests for `cfg_x` are held, `GET /test/empty` once none is.

import { EventEmitter, once } from "node:events";

import { config, startFakeApi } from "./fake-api.mjs";

/** Starts it: what `startFakeApi` answers, `held` (the responses by config), and `changed` with each that comes or goes. */
export async function startHoldingApi() {
  const held = new Map();
  const changes = new EventEmitter().setMaxListeners(0);
  const count = (id) => held.get(id)?.size ?? 0;
  const all = () => [...held.values()].reduce((sum, responses) => sum + responses.size, 0);
  const api = await startFakeApi(async (request, response) => {
    const [, test, what, id, least] = request.url.split("/");
    if (test === "test") {
      while (what === "held" ? count(id) < Number(least) : all() > 0) await once(changes, "changed");
      response.end("{}");
      return;
    }
    const asked = /cfg_\w+/.exec(request.url)?.[0] ?? "list";
    if (asked === "cfg_1") return config(response);
    if (!held.has(asked)) held.set(asked, new Set());
    held.get(asked).add(response);
    response.once("close", () => {
      held.get(asked).delete(response);
      changes.emit("changed");
    });
    changes.emit("changed");
  });
  return { ...api, held, changes };
}
