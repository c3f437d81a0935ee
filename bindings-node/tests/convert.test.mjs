// The tables between camel case and the wire.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

const require = createRequire(import.meta.url);
const { fromText, TABLES, toText } = require("../dist/main.js");

TABLES.Sample = {
  apiConfig: { wire: "api_config" },
  innerList: { wire: "inner_list", type: "Sample" },
  madeAt: { wire: "made_at", type: "Date" },
  aSecret: { wire: "a_secret", secret: true },
};

test("a free-form map keeps its keys both ways, at any depth", () => {
  const free = { a_b: 1, cD: { e_f: [{ g_h: null }] } };
  assert.deepEqual(JSON.parse(toText({ apiConfig: free, innerList: [{ apiConfig: free }] }, "Sample")), {
    api_config: free,
    inner_list: [{ api_config: free }],
  });
  assert.deepEqual(fromText(JSON.stringify({ api_config: free, inner_list: [{ api_config: free }] }), "Sample"), {
    apiConfig: free,
    innerList: [{ apiConfig: free }],
  });
});

test("`null` and missing are absent, dates are dates, unknown fields are left out", () => {
  const object = fromText(`{"api_config":null,"made_at":"2026-01-01T00:00:00Z","new_field":1}`, "Sample");
  assert.deepEqual(Object.keys(object), ["madeAt"]);
  assert.equal(object.madeAt.getTime(), Date.UTC(2026, 0, 1));
});

test("a secret can be read and is not enumerable", () => {
  const object = fromText(`{"a_secret":"hunter2"}`, "Sample");
  assert.equal(object.aSecret, "hunter2");
  assert.equal(JSON.stringify(object), "{}");
});

test("names of Object.prototype are names like any other", () => {
  assert.deepEqual(JSON.parse(toText({ constructor: 1, toString: "x" }, "Sample")), { constructor: null, toString: null });
  assert.equal(toText(JSON.parse(`{"__proto__":{"apiConfig":1}}`), "Sample"), `{"__proto__":null}`);
});
