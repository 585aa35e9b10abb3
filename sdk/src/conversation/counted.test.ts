import { describe, expect, it } from "vitest"
import type { Clock, MessageId } from "../protocol/entry.js"
import type { DocumentName, LogId, UserId } from "../protocol/names.js"
import { Counted, CountedList } from "./counted.js"
import type { Message } from "./message.js"
import type { PlacedCopy } from "./unread.js"

const copy = (position: number): PlacedCopy => {
  return { document: "c/here/1" as DocumentName, log: "x" as LogId, position, clock: position as Clock, seen: [] }
}
const message = (id: string): Message =>
  ({ id: id as MessageId, author: "bob" as UserId, mentionsMe: false, thread: undefined }) as Message

describe("a counted message", () => {
  it("[U10] is asked again when a mark moved or another copy came, and never once it was read", () => {
    const copies = [copy(4)]
    const counted = new Counted(message("a"), copies)
    let [read, asked] = [0, 0]
    const readCount = (): number => {
      asked++
      return read
    }
    expect([counted.isRead(readCount, 1), counted.isRead(readCount, 1)]).toEqual([false, false])
    expect(asked).toBe(1)
    copies.push(copy(9))
    expect(counted.isRead(readCount, 1)).toBe(false)
    expect(asked).toBe(3)
    read = 5
    expect(counted.isRead(readCount, 1)).toBe(false)
    expect(counted.isRead(readCount, 2)).toBe(true)
    const before = asked
    expect(counted.isRead(readCount, 3)).toBe(true)
    expect(asked).toBe(before)
  })

  it("[P8] is for its reader where a copy is, asked again when members changed or another copy came", () => {
    const copies = [copy(4)]
    const counted = new Counted(message("a"), copies)
    let from = 9
    const isFor = ({ position }: PlacedCopy): boolean => position >= from
    expect(counted.isFor(isFor, 1)).toBe(false)
    copies.push(copy(9))
    expect(counted.isFor(isFor, 1)).toBe(true)
    from = 10
    expect([counted.isFor(isFor, 1), counted.isFor(isFor, 2)]).toEqual([true, false])
  })
})

describe("a counted list", () => {
  it("keeps what stays in the list, and makes anew what changed, wherever that is", () => {
    const list = new CountedList((id) => [copy(id.length)])
    const [a, b, c, d] = ["a", "b", "c", "d"].map(message)
    const first = list.of([b!, c!])
    expect(list.of([a!, b!, c!])[1]).toBe(first[0])
    expect(list.of([a!, b!, c!, d!])[2]).toBe(first[1])
    const edited = { ...b!, mentionsMe: true }
    const next = list.of([a!, edited, c!, d!])
    expect(next.map(({ id, mentionsMe }) => [id, mentionsMe])).toEqual([
      ["a", false],
      ["b", true],
      ["c", false],
      ["d", false],
    ])
    expect(next[2]).toBe(first[1])
    expect(list.of([d!]).map(({ id }) => id)).toEqual(["d"])
    expect(list.of([])).toEqual([])
    expect(list.of([d!, d!])).toHaveLength(2)
  })
})
