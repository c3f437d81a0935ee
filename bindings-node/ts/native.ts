// The one door to the native library.

/** @internal */
export { CallHandle, explain, Log, makeClient, runCommand, startEngine } from "./native.cjs";
/** @internal */
export type { Answer, Client, Engine, Session, Stream } from "./native.cjs";
