// Waiting for a user who authorizes.

import type { AccountChange, ConnectionAuthState } from "./generated.js";

/**
 * A wait for a user's authorization: iterate it or await it.
 *
 * Iterated, it reports the way: first each connection that the user must authorize, with a link,
 * then every change of status, and a new link before the old one ends. Each change is fetched as it
 * is wanted; leaving the loop ends the wait. Awaited, it answers with the final states, all
 * `ACTIVE`: one wait, however often it is awaited.
 *
 * Nothing is sent before. Iterating starts a wait of its own each time; one that starts when all is
 * authorized ends at once.
 *
 * @example
 * ```ts
 * for await (const change of client.actions.mcp.waitUntilActive({ configId, identifier })) {
 *   if (change.authenticationLink !== undefined) await sendToUser(change.authenticationLink);
 * }
 * ```
 */
export class AccountWait implements AsyncIterable<AccountChange>, Promise<ConnectionAuthState[]> {
  readonly #changes: () => AsyncGenerator<AccountChange, void, undefined>;
  readonly #start: () => Promise<ConnectionAuthState[]>;
  #states: Promise<ConnectionAuthState[]> | undefined;

  private constructor(changes: () => AsyncGenerator<AccountChange, void, undefined>, start: () => Promise<ConnectionAuthState[]>) {
    this.#changes = changes;
    this.#start = start;
  }

  /** @internal */
  static of(changes: () => AsyncGenerator<AccountChange, void, undefined>, start: () => Promise<ConnectionAuthState[]>): AccountWait {
    return new AccountWait(changes, start);
  }

  /** The changes, until all accounts are `ACTIVE`; each iterator is a wait of its own. */
  [Symbol.asyncIterator](): AsyncGenerator<AccountChange, void, undefined> {
    return this.#changes();
  }

  /** Waits, and hands on the final states: what `await` calls. */
  then<A = ConnectionAuthState[], B = never>(
    onfulfilled?: ((states: ConnectionAuthState[]) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#states ??= this.#start();
    return this.#states.then(onfulfilled, onrejected);
  }

  /** Waits, and handles what goes wrong. */
  catch<B = never>(onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<ConnectionAuthState[] | B> {
    return this.then(null, onrejected);
  }

  /** Waits, and does something at the end, however it ends. */
  finally(onfinally?: (() => void) | null): Promise<ConnectionAuthState[]> {
    return this.then().finally(onfinally);
  }

  /** What it calls itself. */
  get [Symbol.toStringTag](): string {
    return "AccountWait";
  }
}
