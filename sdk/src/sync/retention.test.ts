import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { WeftError } from "../base/errors.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Storage } from "../storage/storage.js"
import { Retention } from "./retention.js"

it("[U15] a connection that comes while segments are looked at has them looked at once in a while, not twice", async () => {
  const env = manualEnv()
  const storage = createMemoryStorage()
  let looks = 0
  let began = (): void => undefined
  let release = (): void => undefined
  const beginning = new Promise<void>((resolve) => (began = resolve))
  const gate = new Promise<void>((resolve) => (release = resolve))
  const held: Pick<Storage, "get" | "write"> = {
    write: (...args) => storage.write(...args),
    get: async (key) => {
      began()
      await gate
      return storage.get(key)
    },
  }
  const retention = new Retention({
    replica: {
      conversations: { get: () => (looks++, new Map()) },
      ...{ ids: [], ports: { storage: held }, writeGuard: undefined },
      report: (error: unknown) => {
        throw error
      },
    } as never,
    ...{ env, keep: 10, idleMs: 1_000 },
    mayLetGo: () => true,
    announce: () => undefined,
  })
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  retention.begin(() => undefined)
  env.advance(1_000)
  await beginning
  retention.end()
  retention.begin(() => undefined)
  release()
  await settle()
  for (const expected of [2, 3, 4]) {
    env.advance(1_000)
    await settle()
    expect(looks).toBe(expected)
  }
  retention.end()
  env.advance(10_000)
  expect(looks).toBe(4)
})

it("[U13, U15] a conversation in which a segment can't be read keeps no other from letting go of its own", async () => {
  const env = manualEnv()
  const looked: string[] = []
  const told: unknown[] = []
  const conversation = (name: string, isDamaged: boolean) => ({
    mayLetGo: true,
    segmentsBefore: async () => {
      looked.push(name)
      if (isDamaged) throw new WeftError("STORE_CORRUPT", "damaged")
      return []
    },
  })
  const all = [conversation("damaged", true), conversation("sound", false)]
  const retention = new Retention({
    replica: {
      conversations: { get: () => new Map(all.map((each, index) => [index, each])) },
      ...{ ids: [], ports: { storage: createMemoryStorage() }, writeGuard: undefined },
      attempt: (task: () => Promise<unknown>) => task().catch((error: unknown) => told.push(error)),
      report: (error: unknown) => told.push(error),
    } as never,
    ...{ env, keep: 10, idleMs: 1_000 },
    mayLetGo: () => true,
    announce: () => undefined,
  })
  retention.begin(() => undefined)
  env.advance(1_000)
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  expect([looked, told]).toMatchObject([["damaged", "sound"], [{ code: "STORE_CORRUPT" }]])
  retention.end()
})
