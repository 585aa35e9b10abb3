/** A nominal type: a `Brand<string, "DeviceId">` is minted by its parser only, and no plain string passes for it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
declare const brand: unique symbol

/** Ends an exhaustive switch; reached only when a type was widened without its switch. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${String(value)}`)
}
