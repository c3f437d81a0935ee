// The user of a page, for code that readers do not see.

import assert from "node:assert/strict";

/** @param {string} path @param {unknown} [body] @returns {Promise<any>} */
async function control(path, body) {
  const { SCALEKIT_ENVIRONMENT_URL, VMCP_ADMIN_TOKEN } = process.env;
  const headers = { authorization: `Bearer ${VMCP_ADMIN_TOKEN}`, "content-type": "application/json" };
  const request = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${SCALEKIT_ENVIRONMENT_URL}/_local/${path}`, request);
  assert.ok(answer.ok, await answer.clone().text());
  return answer.json();
}

/** Opens every link that is there, and does what it asks for. Answers where the last one leads to verify the user.
 * @param {string} [_link]
 * @returns {Promise<any>} */
export async function authorize(_link) {
  const { auth_links } = await control("auth_links");
  const open = auth_links.filter((/** @type {any} */ link) => link.state === "open");
  assert.ok(open.length > 0, "no link is open");
  let done;
  for (const { id } of open) done = await control("auth_links/complete", { link_id: id, credential: "a-key" });
  return done.verify_url;
}

/** The console of a user who opens the links that are printed. */
export const console = {
  /** @param {unknown[]} what */
  log(...what) {
    globalThis.console.log(...what);
    const link = `${process.env["SCALEKIT_ENVIRONMENT_URL"]}/connect/`;
    if (what.some((one) => String(one).startsWith(link))) void authorize();
  },
};
