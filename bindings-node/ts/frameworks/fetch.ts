// The `fetch` that MCP clients are given: a session's, and one that says why it has no token.

import { ScalekitError } from "../errors.js";
import type { Session } from "../session.js";

/** A `fetch` that sends a session's credential, to the session's server only. */
export type SessionFetch = Session["fetch"];

/** A server error of JSON-RPC. */
const SERVER_ERROR = -32000;
const REFUSED = {
  code: "session_token_refused",
  message: "the MCP server refuses the session's token, even a new one; `session.check()` says why",
};

/**
 * Answers a call by itself where no token helps: most frameworks would hide an error, and some would
 * end the connection. The answer to the one call is shown, and the connection is good again as soon
 * as the user is.
 *
 * @internal
 */
export function fetchOf(session: Session): SessionFetch {
  return async (input, init) => {
    let reason: { code: string; message: string } = REFUSED;
    let response: Response | undefined;
    let failure: unknown;
    try {
      response = await session.fetch(input, init);
      if (!session.refuses(response)) return response;
    } catch (error) {
      if (!(error instanceof ScalekitError)) throw error;
      failure = reason = error;
    }
    const call = callOf(init);
    if (call !== undefined) {
      await response?.body?.cancel();
      const error = { code: SERVER_ERROR, message: reason.message, data: { code: reason.code } };
      return Response.json({ jsonrpc: "2.0", id: call, error });
    }
    if (response === undefined) throw failure;
    return response;
  };
}

/** The id of the call in a request; a notification has none. */
function callOf(init: RequestInit | undefined): unknown {
  const message: unknown = typeof init?.body === "string" ? JSON.parse(init.body) : undefined;
  return typeof message === "object" && message !== null && "id" in message ? message.id : undefined;
}
