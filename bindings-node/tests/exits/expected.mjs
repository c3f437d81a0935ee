// How a process ends in each state of `states.mjs`.

const THROWN = { code: 1, signal: null, stdout: "cfg_1\n", stderr: "thrown on purpose" };

/** By the name that the script is called with. */
export const STATES = {
  "process.exit": { code: 0, signal: null, stdout: "cfg_1\n", stderr: "" },
  "process.exit with another code": { code: 7, signal: null, stdout: "cfg_1\n", stderr: "" },
  "process.exit beside an engine": { code: 0, signal: null, stdout: "cfg_1\n", stderr: "" },
  "process.exit beside workers": { code: 0, signal: null, stdout: "cfg_1\n", stderr: "" },
  "a natural end after aborting": { code: 0, signal: null, stdout: "cfg_1\naborted\n", stderr: "" },
  "an error that nobody catches": THROWN,
  "a rejection that nobody handles": THROWN,
};

/** What a process said, of a runtime's own report only whether it is of our error, and of nothing else. */
export function shown({ stderr, ...rest }) {
  const own = /panicked|FATAL ERROR|SIGABRT|core dumped|[Ss]egmentation/.exec(stderr)?.[0];
  return { ...rest, stderr: own ?? (stderr.includes("thrown on purpose") ? "thrown on purpose" : stderr) };
}
