// A native stream as an async generator.

import { answered, located, settled, signalOf, type Site } from "./bridge.js";
import { fromText, toText } from "./convert.js";
import { OPERATIONS } from "./generated.js";
import type { Client } from "./native.js";
import { requestText, type RequestOptions } from "./options.js";

/** The items of a stream. Nothing is checked or sent before the first `next()`. @internal */
export async function* items<T>(
  client: Client,
  operation: string,
  parameters: object,
  options: RequestOptions | undefined,
  site: Site,
): AsyncGenerator<T, void, undefined> {
  const types = OPERATIONS[operation];
  const [signal, text, request] = located(site, () => [
    signalOf(options),
    toText(parameters, types?.parameters ?? ""),
    requestText(options),
  ] as const);
  const stream = settled(site, client.stream(operation, text, request));
  try {
    for (;;) {
      const item: string | undefined = await answered(site, signal, (cancel) => stream.next(cancel));
      if (item === undefined) return;
      yield fromText(item, types?.result) as T;
    }
  } finally {
    stream.close();
  }
}
