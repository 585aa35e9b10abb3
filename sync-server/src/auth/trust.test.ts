import { WeftError } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import type { Store } from "../store/store.js"
import { loadTrust } from "./trust.js"

const [own, one, two] = [0, 1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array]

/** A server's trust on a store that has one setting, and may fail. */
async function open() {
  const disk = { isFull: false, stored: undefined as Uint8Array | undefined }
  const store = {
    getSetting: async () => disk.stored,
    putSetting: async (_name: string, bytes: Uint8Array) => {
      if (disk.isFull) throw new WeftError("STORE_QUOTA", "the disk is full")
      disk.stored = bytes
    },
  } as unknown as Store
  const told: (readonly Uint8Array[])[] = []
  const load = () => loadTrust(store, own, [], (keys) => told.push(keys))
  return { disk, told, load, trust: await load() }
}

it("[S3] a peer's key that could not be stored is stored and told when the peer is met again", async () => {
  const { disk, told, load, trust } = await open()
  disk.isFull = true
  // No reason to end the connection: what the peer holds can be read all the same.
  await trust.learn(one)
  expect([trust.keys(), told]).toEqual([[own, one], []])
  disk.isFull = false
  await trust.learn(one)
  await trust.learn(one)
  expect([trust.keys(), told]).toEqual([[own, one], [[own, one]]])
  expect((await load()).keys()).toEqual([own, one])
})

it("[S3] a peer's key counts at once, since what the peer sends next may rest on it", async () => {
  const { trust } = await open()
  const learning = trust.learn(one)
  expect(trust.keys()).toEqual([own, one])
  await learning
})

it("[S3] of peers that are met at once all keys are stored", async () => {
  const { load, trust } = await open()
  await Promise.all([one, two, one].map((key) => trust.learn(key)))
  expect((await load()).keys()).toEqual([own, one, two])
})
