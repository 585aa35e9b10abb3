import { expect, it } from "vitest"
import { createStore } from "../base/store.js"
import type { Message, MessageList } from "../conversation/message.js"
import { MergedList } from "./merged-list.js"

const message = (id: string, sentAt: number): Message => ({ id, sentAt }) as unknown as Message
const listOf = (state: MessageList["state"], complete: boolean, ...items: Message[]): MessageList => ({
  state,
  items,
  complete,
})
const ids = ({ list }: MergedList): string[] => list.get().items.map(({ id }) => id)

it("[A20] one list is shown as it is", () => {
  const merged = new MergedList()
  expect(merged.list.get()).toEqual({ state: "loading", items: [], complete: false })
  const source = createStore(listOf("ready", true, message("a", 2), message("b", 1)))
  merged.show([source])
  expect(merged.list.get()).toBe(source.get())
})

it("[A20] several are shown in the order of time, each in its own where that is the same", () => {
  const merged = new MergedList()
  const first = createStore(listOf("ready", true, message("a1", 1), message("a2", 5), message("a3", 5)))
  const second = createStore(listOf("ready", false, message("b1", 0), message("b2", 5), message("b3", 9)))
  merged.show([first, second])
  expect(ids(merged)).toEqual(["b1", "a1", "a2", "a3", "b2", "b3"])
  expect(merged.list.get()).toMatchObject({ state: "ready", complete: false })
  second.set(listOf("loading", true, message("b4", 3)))
  expect(ids(merged)).toEqual(["a1", "b4", "a2", "a3"])
  expect(merged.list.get()).toMatchObject({ state: "loading", complete: true })
})

it("the same sources again change nothing; other ones are shown instead, and closing lets go of them", () => {
  const merged = new MergedList()
  const sources = [createStore(listOf("ready", true, message("a", 1))), createStore(listOf("ready", true))]
  let told = 0
  merged.list.subscribe(() => told++)
  merged.show(sources)
  expect(told).toBe(1)
  merged.show([...sources])
  expect(told).toBe(1)
  const [first] = sources
  if (first === undefined) throw new TypeError("two sources")
  merged.show([first])
  expect(ids(merged)).toEqual(["a"])
  sources[1]?.set(listOf("ready", true, message("gone", 2)))
  expect(ids(merged)).toEqual(["a"])
  merged.close()
  first.set(listOf("ready", true))
  expect(ids(merged)).toEqual(["a"])
})
