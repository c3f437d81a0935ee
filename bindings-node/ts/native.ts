// The one door to the native library: beside the package's code where that was built, else a package of its own.

import type * as Library from "./native.cjs";

/** @internal */
export type { Answer, Client, Engine, Session, Stream } from "./native.cjs";

/** Each name stands in full, so that tools which copy the files that a program needs find it. */
const PLACES: Readonly<Record<string, readonly (() => unknown)[]>> = {
  "linux-x64": [
    () => require("./scalekit-vmcp.linux-x64-gnu.node"),
    () => require("@scalekit-vmcp/binding-linux-x64-gnu"),
    () => require("./scalekit-vmcp.linux-x64-musl.node"),
    () => require("@scalekit-vmcp/binding-linux-x64-musl"),
  ],
  "linux-arm64": [
    () => require("./scalekit-vmcp.linux-arm64-gnu.node"),
    () => require("@scalekit-vmcp/binding-linux-arm64-gnu"),
    () => require("./scalekit-vmcp.linux-arm64-musl.node"),
    () => require("@scalekit-vmcp/binding-linux-arm64-musl"),
  ],
  "darwin-x64": [() => require("./scalekit-vmcp.darwin-x64.node"), () => require("@scalekit-vmcp/binding-darwin-x64")],
  "darwin-arm64": [() => require("./scalekit-vmcp.darwin-arm64.node"), () => require("@scalekit-vmcp/binding-darwin-arm64")],
  "win32-x64": [() => require("./scalekit-vmcp.win32-x64-msvc.node"), () => require("@scalekit-vmcp/binding-win32-x64-msvc")],
  "win32-arm64": [() => require("./scalekit-vmcp.win32-arm64-msvc.node"), () => require("@scalekit-vmcp/binding-win32-arm64-msvc")],
};

function load(): typeof Library {
  const platform = `${process.platform}-${process.arch}`;
  const places = PLACES[platform];
  if (places === undefined) throw new Error(`scalekit-vmcp is not made for ${platform}`);
  const broken: unknown[] = [];
  for (const place of places) {
    try {
      return place() as typeof Library;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "MODULE_NOT_FOUND") broken.push(error);
    }
  }
  const [cause] = broken;
  if (cause !== undefined) throw new Error(`scalekit-vmcp: the native library for ${platform} cannot be loaded: ${String(cause)}`, { cause });
  throw new Error(
    `scalekit-vmcp: its native library for ${platform} is not installed; install the package on this platform again, with its optional dependencies`,
  );
}

const library = load();

/** @internal */
export type CallHandle = Library.CallHandle;
/** @internal */
export const CallHandle: typeof Library.CallHandle = library.CallHandle;
/** @internal */
export type NativeLog = Library.Log;
/** @internal */
export const NativeLog: typeof Library.Log = library.Log;
/** @internal */
export const explain: typeof Library.explain = library.explain;
/** @internal */
export const makeClient: typeof Library.makeClient = library.makeClient;
/** @internal */
export const runCommand: typeof Library.runCommand = library.runCommand;
/** @internal */
export const startEngine: typeof Library.startEngine = library.startEngine;
