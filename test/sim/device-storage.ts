import { fenced, guardHolds } from "../../sdk/src/storage/batch.js"
import { Lifetime } from "../../sdk/src/storage/lifetime.js"
import type { DeviceKeyPair, KeyRange, Storage } from "../../sdk/src/storage/storage.js"
import type { Disk } from "./disk.js"
import type { Process } from "./process.js"

/** The SDK's storage port on a simulated disk, as one process sees it. What a dead process asked for is never answered. */
export function openDeviceStorage(disk: Disk, keyPair: DeviceKeyPair, process: Process): Storage {
  const lifetime = new Lifetime()
  const answered = <T>(work: () => Promise<T>): Promise<T> =>
    lifetime.run(async () => {
      if (!process.alive) return never()
      try {
        const result = await work()
        return process.alive ? result : never<T>()
      } catch (error) {
        if (!process.alive) return never<T>()
        throw error
      }
    })
  const found = async ({
    from,
    to,
    limit = Infinity,
    reverse = false,
  }: KeyRange): Promise<(readonly [string, Uint8Array])[]> => {
    await disk.reading()
    const entries = disk.range(from, to)
    if (reverse) entries.reverse()
    return entries.slice(0, limit)
  }
  return {
    kind: "simulated",
    get: (key) =>
      answered(async () => {
        await disk.reading()
        const value = disk.get(key)
        return value === undefined ? undefined : new Uint8Array(value)
      }),
    scan: (range) =>
      answered(async () => (await found(range)).map(([key, value]) => ({ key, value: new Uint8Array(value) }))),
    keys: (range) => answered(async () => (await found(range)).map(([key]) => key)),
    write: (batch, { guard, durability = "relaxed" } = {}) =>
      answered(() =>
        disk.write(
          batch.map((operation) => ({
            key: operation.key,
            value: operation.kind === "put" ? new Uint8Array(operation.value) : undefined,
          })),
          durability === "strict",
          () => {
            if (guard !== undefined && !guardHolds(guard, disk.get(guard.key))) throw fenced(guard)
          },
        ),
      ),
    keyPair: () => answered(async () => keyPair),
    estimate: () => answered(async () => ({ persisted: true })),
    close: () => lifetime.end(() => undefined),
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
