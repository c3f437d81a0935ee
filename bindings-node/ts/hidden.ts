// What can be read and is not shown.

/**
 * Sets a property that no listing of the object shows, not even one of its hidden properties: those
 * show that there is a getter.
 *
 * @internal
 */
export function hide(object: object, name: string, value: unknown): void {
  let held = value;
  const set = (other: unknown): unknown => (held = other);
  Object.defineProperty(object, name, { get: () => held, set, configurable: true });
}
