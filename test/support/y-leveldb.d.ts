/** What the tests use of y-leveldb 0.2: its `exports` hide its own declarations. */
declare module "y-leveldb" {
  import type { Doc } from "yjs"

  export const keyEncoding: {
    encode(key: readonly (string | number)[]): Uint8Array
    decode(key: Uint8Array): (string | number)[]
  }

  export class LeveldbPersistence {
    constructor(location: string)
    getYDoc(name: string): Promise<Doc>
    storeUpdate(name: string, update: Uint8Array): Promise<number>
    flushDocument(name: string): Promise<void>
    clearDocument(name: string): Promise<void>
    getStateVector(name: string): Promise<Uint8Array>
    getAllDocNames(): Promise<string[]>
    getAllDocStateVectors(): Promise<{ name: string; sv: Uint8Array; clock: number }[]>
    getMetas(name: string): Promise<Map<string, unknown>>
    destroy(): Promise<void>
  }
}
