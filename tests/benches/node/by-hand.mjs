// The same two requests as a program writes them without a client: `send` is one way to send a POST.

const FORM = "grant_type=client_credentials&client_id=skc_bench&client_secret=bench-secret";
const MINT = "/api/v1/mcp/configs/cfg_1/tokens";

/** With a deadline as a program sets it: that of the client's single tries. */
export async function FETCH(url, path, headers, body) {
  const answer = await fetch(url + path, { method: "POST", headers, body, signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

/** An access token. */
export async function accessToken(send, url) {
  return (await send(url, "/oauth/token", { "content-type": "application/x-www-form-urlencoded" }, FORM)).access_token;
}

/** A session token, read to the same values as the client's. */
export async function mintWith(send, url, access) {
  const headers = { authorization: `Bearer ${access}`, "x-api-version": "20261012", accept: "application/json", "content-type": "application/json" };
  const minted = await send(url, MINT, headers, JSON.stringify({ identifier: "user_123", expiry: "3600s" }));
  return { token: minted.token, expiresAt: new Date(minted.expires_at) };
}
