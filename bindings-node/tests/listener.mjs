// Preloaded by the suite (`node --import`): hears all that the package logs in all tests, and lets
// the file fail in which it hears a secret.

const VARIABLE = "SCALEKIT_VMCP_LOG";

/** Tokens, and what the tests use as secrets. */
const SECRET = /eyJ[\w-]+\.|Bearer|hunter2|a\.c\.t|t\.o\.k|client_secret|form_token|\/link\/\w/i;

/** What was logged, as texts, and those of them that hold a secret. */
export const heard = { texts: [], secrets: [] };

for (const level of ["debug", "info", "warn", "error"]) {
  const write = console[level];
  console[level] = (...values) => {
    if (values[0] !== "scalekit-vmcp:") return write.apply(console, values);
    const text = JSON.stringify(values);
    heard.texts.push(text);
    if (SECRET.test(text)) heard.secrets.push(text);
  };
}

// Asked for by name it is there. It is not listed, so that processes of tests do not inherit it.
process.env = new Proxy(process.env, { get: (target, name) => target[name] ?? (name === VARIABLE ? "debug" : undefined) });

process.on("exit", () => {
  if (heard.secrets.length === 0) return;
  process.exitCode = 1;
  process.stderr.write(`secrets were logged:\n${heard.secrets.join("\n")}\n`);
});
