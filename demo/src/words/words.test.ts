import type { Message, PendingWork, SyncStatus } from "@weft/sdk"
import { describe, expect, it } from "vitest"
import { formatRoute, parseRoute } from "../state/address.js"
import { historyOf } from "../state/kept-history.js"
import { serversOf } from "../state/servers.js"
import { initialsOf, listNames, readUser, TONES, toneOf } from "./names.js"
import { isPrepended, rowOf } from "./rows.js"
import { explainWork, summarize } from "./sync.js"
import { showDay, showWhen } from "./times.js"

describe("names", () => {
  it("a user is trimmed and lower case; what is no name is none", () => {
    expect(readUser("  Alice  Smith ")).toBe("alice smith")
    for (const text of ["", "   ", "a\u0000b", "\ud800", "x".repeat(129)]) expect(readUser(text)).toBeUndefined()
  })

  it("initials are whole letters of the first and last word", () => {
    expect(["alice", "ada king lovelace", "\u{1F469}\u200D\u{1F680} x", "  "].map(initialsOf)).toEqual([
      "A",
      "AL",
      "\u{1F469}\u200D\u{1F680}X",
      "?",
    ])
  })

  it("a tone is one of the style sheet's, and the same every time", () => {
    for (let number = 0; number < 200; number++) {
      const tone = toneOf(`user ${number}`)
      expect(tone).toBe(toneOf(`user ${number}`))
      expect(tone >= 0 && tone < TONES).toBe(true)
    }
  })

  it("names are listed up to a number", () => {
    expect(listNames([])).toBe("")
    expect(listNames(["a", "b", "c"])).toBe("a, b and c")
    expect(listNames(["a", "b", "c", "d"])).toBe("a, b and 2 more")
  })
})

describe("routes", () => {
  it("what is formatted is parsed back; what is unknown is the list", () => {
    for (const route of [
      {},
      { panel: "new" },
      { conversation: "x" },
      { conversation: "x", panel: "details" },
    ] as const) {
      expect(parseRoute(formatRoute(route))).toEqual({ conversation: undefined, panel: undefined, ...route })
    }
    for (const hash of ["", "#", "#/c", "#/c/", "#/nowhere"]) {
      expect(parseRoute(hash)).toEqual({ conversation: undefined, panel: undefined })
    }
  })

  it("an invite link is a route of its own, and is kept as it is", () => {
    const hash = "#weft-join=a.b.c.wss%3A%2F%2Fchat.example.org"
    expect(parseRoute(hash)).toEqual({ panel: "join", link: hash })
    expect(formatRoute(parseRoute(hash))).toBe(hash)
  })

  it("the sync server is the page's own unless the address names others, or none", () => {
    const page = { protocol: "https:", host: "chat.example.org" }
    expect(serversOf({ ...page, search: "" })).toEqual(["wss://chat.example.org"])
    expect(serversOf({ ...page, search: "?server=wss://a,wss://b" })).toEqual(["wss://a", "wss://b"])
    expect(serversOf({ ...page, search: "?server=none" })).toEqual([])
    expect(historyOf({ search: "?keep=1000" })).toEqual({ keep: 1000 })
    for (const search of ["", "?keep=", "?keep=0", "?keep=-1", "?keep=1.5", "?keep=all"])
      expect(historyOf({ search })).toBeUndefined()
  })
})

describe("times", () => {
  const now = new Date(2025, 5, 18, 0, 30).getTime()
  const at = (year: number, month: number, day: number): number => new Date(year, month - 1, day, 23, 59).getTime()

  it("days are local days, not spans of 24 hours", () => {
    expect(showDay(now, now)).toBe("Today")
    expect(showDay(at(2025, 6, 17), now)).toBe("Yesterday")
    expect(showWhen(at(2025, 6, 17), now)).toBe("Yesterday")
    expect(showDay(at(2024, 6, 17), now)).toContain("2024")
  })
})

describe("sync", () => {
  const work: PendingWork = {
    conversation: "c" as PendingWork["conversation"],
    messages: 2,
    changes: 1,
    reason: "connection",
  }
  const status: SyncStatus = {
    connection: { kind: "offline" },
    pending: [work],
    storage: { kind: "ok", persisted: true },
    tab: "writer",
  }

  it("names what waits, and why it does", () => {
    expect(explainWork(work)).toBe("2 messages and 1 change waiting for a connection")
    expect(explainWork({ ...work, messages: 1, changes: 0 })).toBe("1 message waiting for a connection")
    expect(explainWork({ ...work, messages: 0, changes: 0 })).toBeUndefined()
    expect(summarize(status, true)).toMatchObject({ mood: "held", label: "Offline", waiting: "3 waiting" })
    expect(summarize(status, true).detail).toContain("chose")
    expect(summarize(status, false).detail).toContain("no network")
  })

  it("is up to date only when both sides were compared and nothing waits", () => {
    const connection = { kind: "online", server: "s", synced: true } as const
    expect(summarize({ ...status, connection, pending: [] }, false).label).toBe("Up to date")
    expect(summarize({ ...status, connection }, false).label).toBe("Sending")
    expect(summarize({ ...status, connection: { ...connection, synced: false }, pending: [] }, false).label).toBe(
      "Syncing",
    )
  })

  it("storage that fails comes before everything else, with its code's advice", () => {
    const storage = { kind: "failing", code: "STORE_QUOTA", message: "" } as const
    expect(summarize({ ...status, storage }, false)).toMatchObject({ mood: "broken", label: "Not saving" })
  })
})

describe("rows", () => {
  const noon = new Date(2025, 5, 18, 12).getTime()
  const say = (author: string, minutes: number, status: Message["status"] = "sent"): Message => ({
    id: `${author}${minutes}` as Message["id"],
    author: author as Message["author"],
    device: "d" as Message["device"],
    sentAt: noon + minutes * 60_000,
    text: "x",
    form: "text",
    own: false,
    status,
    rejection: undefined,
    erasedBy: undefined,
    edited: undefined,
    mentions: [],
    mentionsMe: false,
    reactions: [],
    quote: undefined,
    thread: undefined,
    replies: undefined,
    forwardedFrom: undefined,
    unsent: [],
  })
  const marks = (messages: Message[]): string[] =>
    messages.map((_, index) => {
      const { startsDay, startsGroup, endsGroup } = rowOf(messages, index)
      return `${startsDay ? "d" : ""}${startsGroup ? "s" : ""}${endsGroup ? "e" : ""}`
    })

  it("what one author wrote in one go is a group; a pause, another author or another day ends it", () => {
    expect(marks([say("a", 0), say("a", 1), say("a", 2)])).toEqual(["ds", "", "e"])
    expect(marks([say("a", 0), say("b", 1)])).toEqual(["dse", "se"])
    expect(marks([say("a", 0), say("a", 30)])).toEqual(["dse", "se"])
    expect(marks([say("a", 0), say("a", 24 * 60)])).toEqual(["dse", "dse"])
  })

  it("older messages that come in at the beginning are told from others", () => {
    const [a, b, c, d] = [say("a", 0), say("a", 1), say("a", 2), say("a", 3)]
    expect(isPrepended([c, d], [a, b, c, d])).toBe(true)
    for (const [before, after] of [
      [[], [a, b]],
      [
        [a, b],
        [a, b, c],
      ],
      [
        [a, c],
        [a, b, c],
      ],
      [
        [b, c],
        [a, b, c, d],
      ],
      [[a, b], [b]],
    ] as const) {
      expect(isPrepended(before, after)).toBe(false)
    }
  })

  it("a rejected message ends its group, as its reason stands below it", () => {
    expect(marks([say("a", 0, "rejected"), say("a", 1)])).toEqual(["dse", "se"])
  })
})
