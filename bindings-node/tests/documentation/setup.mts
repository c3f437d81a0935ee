// What the examples of the documentation take as given.

import { fileURLToPath } from "node:url";

import { LocalEngine } from "scalekit-vmcp/engine";

/** Mail that a user must authorize, and a calendar that is open. */
const options = {
  configToml: `
    [connections.gmail]
    sandbox = "gmail.json"
    auth = "api_key"

    [connections.googlecalendar]
    sandbox = "googlecalendar.json"
    auth = "none"
  `,
  configFolder: fileURLToPath(new URL("../../../../tests/docs", import.meta.url)),
};
/** An engine to try things on; the client's is another. */
export const engine: LocalEngine = await LocalEngine.start(options);
const own: LocalEngine = await LocalEngine.start(options);
export const { envUrl, clientId, clientSecret } = own;
Object.assign(process.env, { SCALEKIT_ENV_URL: envUrl, SCALEKIT_CLIENT_ID: clientId, SCALEKIT_CLIENT_SECRET: clientSecret });

export const client = own.client();
/** Of the users, `user_123` has authorized mail, and this one has not. */
export const identifier = "user_456";
await own.seed({ accounts: [{ connectionName: "gmail", identifier: "user_123", credential: "a-key" }] });
export const config = await client.actions.mcp.createConfig({
  name: "calendar-agent",
  connectionToolMappings: [{ connectionName: "googlecalendar" }],
});
const mail = await client.actions.mcp.createConfig({ name: "mail-agent", connectionToolMappings: [{ connectionName: "gmail" }] });
export const configId = mail.id;
export const session = await client.actions.mcp.openSession({ config, identifier: "user_123" });

/** A user who does at once what the link asks for. */
export async function sendToUser(link: string): Promise<void> {
  const open = (await own.authLinks()).find(({ state }) => state === "open");
  if (!link.startsWith("http") || open === undefined) throw new Error("there is no link");
  await own.completeAuthLink({ linkId: open.id, credential: "a-key" });
}
