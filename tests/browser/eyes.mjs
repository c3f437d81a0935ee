// The browser, and what is looked at on every page: accessibility, requests, the console.

import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";

import axe from "axe-core";
import { chromium } from "playwright-core";

const SHOTS = process.env.VMCP_SCREENSHOTS ?? "screenshots";
mkdirSync(SHOTS, { recursive: true });

export const launch = () =>
  chromium.launch({
    executablePath: process.env.VMCP_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });

/** A person's browser: cookies of its own; all that it asks for, or complains of on pages of the engine, is kept. */
export async function person(browser, engineUrl, options = {}) {
  const context = await browser.newContext({ viewport: { width: 720, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.asked = [];
  page.complaints = [];
  context.on("request", (request) => page.asked.push(request.url()));
  page.on("console", (message) => {
    const ours = message.location().url.startsWith(engineUrl);
    // A status of 400 or more is announced there too.
    if (ours && !message.text().startsWith("Failed to load resource")) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
}

/** Looks at a page of ours in both colours: nothing to complain of, and a picture of each. */
export async function look(page, name) {
  assert.equal(await page.locator("script").count(), 0);
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  assert.equal(await page.locator("h1").count(), 1);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${SHOTS}/${name}-${colorScheme}.png` });
    // The protocol of the browser runs it: the page's own rules let no script in.
    await page.evaluate(axe.source);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`);
    assert.deepEqual(violations, [], `${name}, ${colorScheme}`);
  }
  assert.deepEqual(page.complaints, [], name);
}
