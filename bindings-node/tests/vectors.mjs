// The vectors (tests/vectors/README.md), played in whatever runtime imports this: only `fetch`,
// the package, and a process for the cases that set environment variables.

import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";

import { ScalekitClient } from "scalekit-vmcp";

// Private: only a runner has to turn results back into what the wire holds.
const require = createRequire(import.meta.url);
const { OPERATIONS, TABLES } = require(join(dirname(require.resolve("scalekit-vmcp/package.json")), "dist", "main.js"));

/** Plays all cases, eight at a time: `{ id, problems }` of each. */
export async function playAll(baseUrl) {
  const waiting = await json(`${baseUrl}/cases`);
  const played = [];
  const one = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) played.push(await play(baseUrl, next.id));
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return played.sort((left, right) => (left.id < right.id ? -1 : 1));
}

async function play(baseUrl, id) {
  const started = await json(`${baseUrl}/cases/${id}/start`, {});
  const report = started.environment === undefined ? await playHere(started) : await playElsewhere(started);
  const verdict = await json(started.verdict_url, report);
  return { id, problems: verdict.ok ? [] : verdict.problems };
}

async function json(url, body) {
  const init = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return (await fetch(url, init)).json();
}

/** What came of a call, in the words of the wire. */
export async function reportOf(made) {
  try {
    return { result: (await made()) ?? null };
  } catch (error) {
    const { kind, code, argument, status, errorCode, requestId, retryAfterMs, attempts, retryable, suggestion, details, connections } = error;
    const words = (text) => text && (status === undefined ? inWireWords(text, code) : text);
    const message = suggestion === undefined ? error.message : error.message.slice(0, -`; ${suggestion}`.length);
    return {
      error: {
        kind,
        code,
        message: words(message),
        argument: argument && inWireWords(argument, code),
        status,
        error_code: errorCode,
        request_id: requestId,
        retry_after_ms: retryAfterMs,
        attempts,
        retryable,
        // The names that it lists are whole.
        suggestion: suggestion && inWireWords(suggestion, code === "unknown_argument" ? "argument_type" : code),
        details,
        connections: (connections ?? []).map((state) => toWire(state, "ConnectionAuthState")),
      },
      class: error.constructor.name,
      language: "node",
      text: [error.message, String(error), error.stack, inspect(error, { depth: 9 }), JSON.stringify(error)].join("\n"),
    };
  }
}

/** Makes the call of a started case in this process. */
export async function playHere(started) {
  return reportOf(() => call(started));
}

async function call({ env_url, client: options, call: { operation, parameters } }) {
  if (operation === "client") {
    new ScalekitClient(inMilliseconds(fromWire(parameters, "ClientOptions")));
    return {};
  }
  const client = new ScalekitClient({
    envUrl: env_url,
    clientId: options.client_id,
    clientSecret: options.client_secret,
    backoffBaseMs: 1,
    backoffCapMs: 5,
    ...(options.allow_insecure_http === undefined ? {} : { allowInsecureHttp: options.allow_insecure_http }),
    ...(options.ca_file === undefined ? {} : { caFile: options.ca_file }),
    ...(options.max_retries === undefined ? {} : { maxRetries: options.max_retries }),
    ...(options.timeout_seconds === undefined ? {} : { timeoutMs: options.timeout_seconds * 1000 }),
    ...(options.attempt_timeout_seconds === undefined ? {} : { attemptTimeoutMs: options.attempt_timeout_seconds * 1000 }),
  });
  const request = options.headers && { headers: options.headers };
  if (options.closed) await client.close();
  const { mcp } = client.actions;
  if (operation === "open_session" || operation === "check") {
    const { config, authorization_for: elsewhere, token_valid_for_seconds: validForSeconds, ...rest } = parameters;
    const session = await mcp.openSession(
      { ...fromWire(rest, OPERATIONS.open_session.parameters), ...(config && { config: fromWire(config, "Config") }) },
      request,
    );
    if (operation === "check") return toWire(await session.check(), "SessionReport");
    if (elsewhere !== undefined) await session.authorizationFor(elsewhere);
    return { url: session.url, token: (await session.token({ validForSeconds })).token };
  }
  const [name, changes] = operation.split("/");
  const types = OPERATIONS[name];
  const method = name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
  const made = (method in mcp ? mcp : client.actions)[method](fromWire(parameters, types.parameters), request);
  return changes === undefined ? toWire(await made, types.result) : toWire(await all(made), types.item);
}

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Keys that a table does not know stay as they are: cases of unknown arguments need them. */
function fromWire(value, type) {
  if (Array.isArray(value)) return value.map((item) => fromWire(item, type));
  if (type === undefined || value === null || typeof value !== "object") return value;
  const names = Object.fromEntries(Object.entries(TABLES[type]).map(([name, field]) => [field.wire, { name, type: field.type }]));
  // What is `null` in JSON is left out in TypeScript.
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([wire, item]) => [names[wire]?.name ?? wire, fromWire(item, names[wire]?.type)]),
  );
}

function toWire(value, type) {
  if (value instanceof Date) return value.toISOString().replace(/\.?0+Z$/, "Z");
  if (Array.isArray(value)) return value.map((item) => toWire(item, type));
  if (type === undefined || value === undefined || value === null) return value;
  return Object.fromEntries(Object.entries(TABLES[type]).map(([name, field]) => [field.wire, toWire(value[name], field.type)]));
}

/** A broken rule of a duration names it without its unit. */
function inWireWords(text, code) {
  return text.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (word) => {
    const field = Object.values(TABLES).find((fields) => Object.hasOwn(fields, word))?.[word];
    const wire = field?.wire ?? word;
    return code === "argument_type" ? wire : wire.replace(/_seconds$/, "");
  });
}

/** Environment variables belong to a process. */
function playElsewhere(started) {
  const script = fileURLToPath(new URL("play-case.mjs", import.meta.url));
  const runtime = globalThis.Deno === undefined ? [] : ["run", "--allow-all", "--no-prompt"];
  return new Promise((resolve, reject) => {
    const env = { ...started.environment, PATH: process.env.PATH };
    execFile(process.execPath, [...runtime, script, JSON.stringify(started)], { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`\`${started.id}\` could not be played in its own process: ${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

function inMilliseconds(options) {
  const entries = Object.entries(options);
  const scaled = ([name, value]) => [name, TABLES.ClientOptions[name]?.milliseconds && typeof value === "number" ? value * 1000 : value];
  return Object.fromEntries(entries.map(scaled));
}
