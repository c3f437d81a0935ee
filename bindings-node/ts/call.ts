// What every operation does: from what a user passed to what the core answers.

import { answered, located, settled, signalOf, type Site } from "./bridge.js";
import { fromText, toText } from "./convert.js";
import { OPERATIONS } from "./generated.js";
import type { Log } from "./log.js";
import type { Client, Stream } from "./native.js";
import { requestText, type RequestOptions } from "./options.js";

/** A client, and what it tells of its calls. @internal */
export interface Caller {
  readonly native: Client;
  readonly log: Log | undefined;
}

/** A call that can be sent. */
interface Ready {
  /** The client, with the options of the call. */
  native: Client;
  /** The parameters. */
  text: string;
  signal: AbortSignal | undefined;
}

/** Reads what a user passed. @internal */
export function ready(site: Site, client: Caller, parameters: object, options: RequestOptions | undefined): Ready {
  const [signal, text, request] = located(site, () => [
    signalOf(options),
    toText(parameters, OPERATIONS[site.operation]?.parameters ?? ""),
    requestText(options),
  ] as const);
  // What is wrong with an option is told in the words of options.
  const native = request === undefined ? client.native : settled({ ...site, operation: "" }, client.native.withOptions(request));
  return { native, text, signal };
}

/** Runs an operation. @internal */
export async function called<T>(site: Site, client: Caller, parameters: object, options: RequestOptions | undefined): Promise<T> {
  const call = ready(site, client, parameters, options);
  const answer = await answered(site, call.signal, client.log, (handle) => call.native.call(site.operation, call.text, handle));
  return fromText(answer, OPERATIONS[site.operation]?.result) as T;
}

/** The items of a stream. Nothing is checked or sent before the first `next()`. @internal */
export function items<T>(
  site: Site,
  client: Caller,
  parameters: object,
  options: RequestOptions | undefined,
): AsyncGenerator<T, void, undefined> {
  let stream: Stream | undefined;
  async function* all(): AsyncGenerator<T, void, undefined> {
    const call = ready(site, client, parameters, options);
    const started = settled(site, call.native.stream(site.operation, call.text));
    stream = started;
    try {
      for (;;) {
        const item: string | undefined = await answered(site, call.signal, client.log, (handle) => started.next(handle));
        if (item === undefined) return;
        yield fromText(item, OPERATIONS[site.operation]?.item) as T;
      }
    } finally {
      started.close();
    }
  }
  const generator = all();
  const end = generator.return.bind(generator);
  // By itself a generator would first wait for the `next()` that is under way.
  generator.return = (value) => {
    stream?.close();
    return end(value);
  };
  return generator;
}
