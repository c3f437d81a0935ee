// What the functions for frameworks that cannot renew a token ask of a session.

import { located, type Site } from "../bridge.js";
import { ScalekitValidationError } from "../errors.js";
import type { Session } from "../session.js";
import { checkArguments, positiveSeconds, serverName } from "./options.js";

/** Options of a function whose framework is handed a token once, for the whole run. */
export interface RunOptions {
  /** How many seconds the run may take: the token outlives it. At most the `expirySeconds` of the session. */
  runSeconds: number;
  /** Aborts the request for a token: the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Options of a function whose framework has a name for the server too. */
export interface NamedRunOptions extends RunOptions {
  /** What the framework calls the server; `scalekit` if not given. */
  name?: string | undefined;
}

/** The name of the server, its URL, and a token that outlives the run. @internal */
export async function namedToken(site: Site, session: Session, options: NamedRunOptions): Promise<{ name: string; url: string; token: string }> {
  const name = located(site, () => {
    checkArguments(session, options, ["runSeconds", "name", "signal"]);
    return serverName(options.name ?? "scalekit");
  });
  return { name, url: session.url, token: await tokenFor(site, session, options) };
}

/** Headers of a request to the session's URL, with a token that outlives the run. @internal */
export async function runHeaders(site: Site, session: Session, options: RunOptions): Promise<Record<string, string>> {
  located(site, () => checkArguments(session, options, ["runSeconds", "signal"]));
  await tokenFor(site, session, options);
  return session.headers({ signal: options.signal });
}

async function tokenFor(site: Site, session: Session, { runSeconds, signal }: RunOptions): Promise<string> {
  const validForSeconds = located(site, () => positiveSeconds("runSeconds", runSeconds));
  try {
    return (await session.token({ validForSeconds, signal })).token;
  } catch (error) {
    if (!(error instanceof ScalekitValidationError)) throw error;
    return located(site, () => {
      throw ofRun(error);
    });
  }
}

/** The same error under the name that the caller used. */
function ofRun({ kind, code, argument, message, suggestion }: ScalekitValidationError): ScalekitValidationError {
  const words = (text: string): string => text.replaceAll("validForSeconds", "runSeconds");
  const whole = suggestion === undefined ? message : message.slice(0, -`; ${suggestion}`.length);
  const facts = { kind, code, message: words(whole), suggestion: suggestion && words(suggestion) };
  return new ScalekitValidationError({ ...facts, argument: argument && words(argument) });
}
