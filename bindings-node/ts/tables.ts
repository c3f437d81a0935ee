// The tables of all that crosses: those of the schema and those of the options.

import { TYPES, type Field } from "./generated.js";

/** An option that is milliseconds here and seconds in the core. */
interface Option extends Field {
  milliseconds?: boolean;
}

/** @internal */
export const TABLES: Readonly<Record<string, Readonly<Record<string, Option>>>> = {
  ...TYPES,
  ClientOptions: {
    envUrl: { wire: "env_url" },
    clientId: { wire: "client_id" },
    clientSecret: { wire: "client_secret" },
    allowInsecureHttp: { wire: "allow_insecure_http" },
    caFile: { wire: "ca_file" },
    timeoutMs: { wire: "timeout_seconds", milliseconds: true },
    attemptTimeoutMs: { wire: "attempt_timeout_seconds", milliseconds: true },
    connectTimeoutMs: { wire: "connect_timeout_seconds", milliseconds: true },
    maxRetries: { wire: "max_retries" },
    backoffBaseMs: { wire: "backoff_base_seconds", milliseconds: true },
    backoffCapMs: { wire: "backoff_cap_seconds", milliseconds: true },
  },
  RequestOptions: {
    timeoutMs: { wire: "timeout_seconds", milliseconds: true },
    maxRetries: { wire: "max_retries" },
    headers: { wire: "headers" },
  },
  EngineOptions: {
    config: { wire: "config" },
    configToml: { wire: "config_toml" },
    configFolder: { wire: "config_folder" },
    dataFolder: { wire: "data_folder" },
    port: { wire: "port" },
  },
};

const NAMES = new Map<string, string>();
for (const fields of Object.values(TABLES)) {
  for (const [name, { wire }] of Object.entries(fields)) {
    NAMES.set(wire, name);
  }
}

/**
 * A text of the core in the words of this language: `connection_tool_mappings[0].tools` becomes
 * `connectionToolMappings[0].tools`. Names of `type` come first.
 *
 * @internal
 */
export function inOurWords(text: string, type: string | undefined): string {
  return text.replace(/[a-z0-9]+(?:_[a-z0-9]+)+/g, (name) => ourName(name, type) ?? name);
}

/** Our name of a duration, which the core names without its unit. @internal */
export function durationOf(argument: string | null | undefined, type: string | undefined): string | undefined {
  return ourName(`${argument}_seconds`, type);
}

function ourName(wire: string, type: string | undefined): string | undefined {
  const own = Object.entries(TABLES[type ?? ""] ?? {}).find(([, field]) => field.wire === wire)?.[0];
  return own ?? NAMES.get(wire);
}
