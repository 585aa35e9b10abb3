import { expect, test } from "vitest"
import { WeftError } from "../base/errors.js"
import { createStore } from "../base/store.js"
import type { DocumentName } from "../protocol/names.js"
import { TabTalk } from "./tab-talk.js"

test("[W3] of what other tabs changed nothing is kept once it was read, however much that is", async () => {
  const replica = {
    writing: createStore(false),
    using: () => Promise.reject(new Error("one that can't be read")),
    wakeAll: () => Promise.resolve(),
  }
  const talk = new TabTalk({ replica } as never)
  const document = `c/${"A".repeat(24)}/1` as DocumentName
  for (let times = 0; times < 3; times++) {
    await expect(talk.heard({ kind: "changed", document })).rejects.toThrow("can't be read")
  }
  // What it resolves with is all that hangs on it.
  await expect(talk.reloaded).resolves.toBeUndefined()
})

test("[W3, U13] what a tab wrote and did not live to tell is looked for beside a conversation that can't be read", async () => {
  const [damaged, sound] = ["A", "B"].map((letter) => `c/${letter.repeat(24)}/1` as DocumentName)
  const reported: unknown[] = []
  const heard: string[] = []
  const replica = {
    writing: createStore(true),
    untoldDrafts: async () => [damaged, sound],
    using: async (id: string, task: (conversation: unknown) => Promise<void>) => {
      if (damaged?.includes(id) === true) throw new WeftError("STORE_CORRUPT", "damaged")
      await task({ reload: async (name: string) => heard.push(name) })
    },
    attempt: (task: () => Promise<unknown>) => task().catch((error: unknown) => reported.push(error)),
    wakeAll: () => Promise.resolve(),
    conversations: createStore(new Map(["A", "B"].map((letter) => [letter.repeat(24), {}]))),
    registersOf: () => ({ reload: async () => heard.push("registers") }),
  }
  const acks = { reload: async () => undefined }
  const account = { readUntold: async () => heard.push("account") }
  const told: unknown[] = []
  const tabs = { tell: (message: unknown) => told.push(message) }
  const recover = async (): Promise<void> => {
    throw new WeftError("STORE_QUOTA", "full")
  }
  const talk = new TabTalk({ replica, account, tabs, acks, recover } as never)
  await talk.lookForUntold()
  expect(heard).toEqual([sound, "account"])
  expect(told).toEqual([{ kind: "changed", document: sound }])
  await talk.followAnew()
  expect(heard).toEqual([sound, "account", "registers"])
  expect(reported).toMatchObject([{ code: "STORE_QUOTA" }, { code: "STORE_CORRUPT" }, { code: "STORE_CORRUPT" }])
})
