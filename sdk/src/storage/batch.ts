import { WeftError } from "../base/errors.js"
import { equalBytes } from "../protocol/bytes.js"
import type { StorageOperation, WriteOptions } from "./storage.js"

export type Guard = NonNullable<WriteOptions["guard"]>

/** The batch with bytes of its own: the caller may reuse its buffers at once, and no view drags a larger buffer along. */
export function copyBatch(batch: readonly StorageOperation[]): StorageOperation[] {
  return batch.map((operation) =>
    operation.kind === "put" ? { ...operation, value: new Uint8Array(operation.value) } : operation,
  )
}

export function copyGuard(guard: Guard | undefined): Guard | undefined {
  return guard?.value === undefined ? guard : { key: guard.key, value: new Uint8Array(guard.value) }
}

export function guardHolds(guard: Guard, found: Uint8Array | undefined): boolean {
  if (guard.value === undefined || found === undefined) return guard.value === found
  return equalBytes(guard.value, found)
}

export function fenced(guard: Guard): WeftError {
  return new WeftError("STORE_FENCED", `another writer has changed ${JSON.stringify(guard.key)}; nothing was written`)
}
