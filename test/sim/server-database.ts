import { WeftError } from "@weft/sdk/protocol"
import type { Database, Operation, Reader } from "../../sync-server/src/store/database.js"
import type { KeyRange } from "../../sync-server/src/store/keys.js"
import type { Disk, DiskOperation } from "./disk.js"
import type { Process } from "./process.js"

/** The server's database port on a simulated disk, as one process sees it. What a dead process asked for is never answered. */
export function openServerDatabase(disk: Disk, process: Process): Database {
  let failed = false
  let closed = false

  async function answered<T>(work: () => Promise<T> | T): Promise<T> {
    if (closed) throw new WeftError("STORE_CLOSED", "this database has been closed")
    await disk.reading()
    if (!process.alive) return new Promise(() => undefined)
    try {
      const result = await work()
      return process.alive ? result : await new Promise(() => undefined)
    } catch (error) {
      if (!process.alive) return new Promise(() => undefined)
      throw error
    }
  }

  const reader: Reader = {
    get: async (key) => disk.get(text(key)),
    entries: async (range, limit) => entries(disk, range).slice(0, limit),
    firstKey: async (range) => entries(disk, range)[0]?.[0],
    lastKey: async (range) => entries(disk, range).at(-1)?.[0],
  }
  return {
    location: disk.name,
    get: (key) => answered(() => disk.get(text(key))),
    hasMany: (keys) => answered(() => keys.map((key) => disk.get(text(key)) !== undefined)),
    read: (operate) => answered(() => operate(reader)),
    scan: (range, take) =>
      answered(() =>
        entries(disk, range).flatMap(([key, value]) => {
          const taken = take(key, value)
          return taken === undefined ? [] : [taken]
        }),
      ),
    write: (batch) =>
      answered(async () => {
        if (failed) throw new WeftError("STORE_FAILED", "the store writes nothing until it has recovered")
        try {
          await disk.write(batch.map(diskOperation), true)
        } catch (error) {
          failed = true
          throw error
        }
      }),
    recover: (probe) =>
      answered(async () => {
        await disk.write([diskOperation(probe)], true)
        failed = false
      }),
    close: async () => {
      closed = true
    },
  }
}

function entries(disk: Disk, range: KeyRange): (readonly [key: Uint8Array, value: Uint8Array])[] {
  return disk.range(text(range.gte), text(range.lt)).map(([key, value]) => [bytes(key), value])
}

function diskOperation({ key, value }: Operation): DiskOperation {
  return { key: text(key), value: value === undefined ? undefined : new Uint8Array(value) }
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1")
}

function bytes(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"))
}
