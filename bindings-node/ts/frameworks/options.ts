// What the functions for frameworks check before they do anything.

import { isPlain } from "../convert.js";
import { argumentError } from "../failure.js";
import { Session } from "../session.js";

/** How long an MCP server may take for one answer, such as the result of a tool, in seconds. @internal */
export const ANSWER_SECONDS = 5 * 60;

/** Refuses what is no session, and options that are not `known`. @internal */
export function checkArguments(session: Session, options: object, known: readonly string[]): void {
  if (!(session instanceof Session)) {
    const got = session === null ? "null" : typeof session;
    throw argumentError("argument_type", "session", `\`session\` must be a \`Session\`, got ${got}`, "pass what `openSession` returned, awaited");
  }
  if (typeof options !== "object" || options === null || !isPlain(options)) {
    throw argumentError("argument_type", "options", "the options must be a plain object");
  }
  const other = Object.keys(options).find((key) => !known.includes(key));
  if (other !== undefined) {
    const suggestion = known.length === 0 ? "it takes none" : `known are ${known.map((name) => `\`${name}\``).join(", ")}`;
    throw argumentError("unknown_argument", other, `there is no option \`${other}\``, suggestion);
  }
}

/** What the longest timer can wait; for more it would not wait at all. */
const LONGEST_SECONDS = 24 * 24 * 60 * 60;

/** A duration, longer than nothing. @internal */
export function positiveSeconds(argument: string, seconds: number): number {
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) {
    throw argumentError("argument_type", argument, `\`${argument}\` must be a number, got ${typeof seconds === "number" ? seconds : typeof seconds}`);
  }
  if (seconds <= 0) throw argumentError("timeout_invalid", argument, `\`${argument}\` must be longer than 0 seconds, got ${seconds}`);
  if (seconds > LONGEST_SECONDS) throw argumentError("timeout_invalid", argument, `\`${argument}\` must be at most ${LONGEST_SECONDS} seconds, got ${seconds}`);
  return seconds;
}

/** The name that a framework gives the server. @internal */
export function serverName(name: string): string {
  if (typeof name === "string" && name !== "") return name;
  throw argumentError("argument_type", "name", `\`name\` must be a string that is not empty, got ${name === "" ? "an empty one" : typeof name}`);
}
