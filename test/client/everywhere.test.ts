/*
 * The table of features in SPEC.md: what each promises, where no other test says it already. How it is played is in
 * support/everywhere.ts.
 */
import { describe, it } from "vitest"
import {
  convergesAtOnce,
  isOnAllDevices,
  survivesCrash,
  worksOffline,
  type Act,
  type Look,
  type Place,
} from "../support/everywhere.ts"

const texts: Look = ({ trip }) => trip.messages.get().items.map(({ text }) => text)
const sortedTexts: Look = (place) => (texts(place) as string[]).slice(2).sort()
const reactions: Look = ({ trip, his }) =>
  trip
    .message(his)
    ?.reactions.map(({ emoji, users, own }) => [emoji, users, own])
    .sort()
const last = ({ trip }: Place) => trip.messages.get().items.at(-1)
const shownIds: Look = ({ trip, hers, his }) =>
  trip.messages.get().items.map(({ id }) => (id === hers ? "hers" : id === his ? "his" : "another"))

describe("messages", () => {
  const send =
    (text: string): Act =>
    ({ trip }) =>
      trip.send(text)
  it("[I6] messages written at once on two devices of a user are all there, in one order", () =>
    convergesAtOnce(send("one"), send("two"), sortedTexts, ["one", "two"]))
  it("[W1] messages sent on one device are on the user's other", () =>
    isOnAllDevices(send("from the phone"), texts, ["we meet at noon", "who brings bread?", "from the phone"]))
})

describe("edits", () => {
  const edit: Act = ({ trip, hers }) => trip.edit(hers, "we meet at one")
  const history: Look = ({ trip, hers }) => [trip.message(hers)?.text, trip.history(hers).map(({ text }) => text)]
  const wanted = ["we meet at one", ["we meet at noon", "we meet at one"]]
  it("[M4] edits written offline show at once, with their history, and arrive", () =>
    worksOffline(edit, history, wanted))
  it("[M4] edits survive a crash", () => survivesCrash(edit, history, wanted))
  it("[M4] edits and their history are on all devices of the user", () => isOnAllDevices(edit, history, wanted))
})

describe("erasing for everyone", () => {
  const erase: Act = ({ trip, hers }) => trip.erase(hers)
  const erased: Look = ({ trip, hers }) => [
    trip.message(hers)?.form,
    trip.message(hers)?.text ?? null,
    trip.history(hers),
  ]
  const wanted = ["erased", null, []]
  it("[X3] an erasure done offline hides at once, and erases everywhere later", () =>
    worksOffline(erase, erased, wanted))
  it("[X3, M3] an erasure beats an edit and a reaction that another device wrote at once", () =>
    convergesAtOnce(
      erase,
      ({ trip, hers }) => {
        trip.edit(hers, "we meet at two")
        trip.react(hers, "👍")
      },
      (place) => [erased(place), place.trip.message(place.hers)?.reactions],
      [wanted, []],
    ))
  it("[X6] an erasure survives a crash", () => survivesCrash(erase, erased, wanted))
  it("[X3] an erasure is done on all devices of the user", () => isOnAllDevices(erase, erased, wanted))
})

describe("erasing for oneself", () => {
  const hide: Act = ({ trip, his }) => {
    trip.eraseForMe(his)
  }
  it("[U11] an erasure for oneself done offline hides at once", () => worksOffline(hide, shownIds, ["hers"]))
  it("[U11] an erasure for oneself of two messages on two devices at once hides both", () =>
    convergesAtOnce(
      hide,
      ({ trip, hers }) => {
        trip.eraseForMe(hers)
      },
      shownIds,
      [],
    ))
  it("[U8] an erasure for oneself survives a crash", () => survivesCrash(hide, shownIds, ["hers"]))
})

describe("undo", () => {
  const editAndUndo: Act = async ({ client, trip, hers }) => {
    await trip.edit(hers, "we meet at one").reached("saved")
    await client.account.undo()
  }
  const text: Look = ({ trip, hers }) => trip.message(hers)?.text
  it("[U11] undo works offline", () => worksOffline(editAndUndo, text, "we meet at noon"))
  it("[U11] undo of an edit keeps what another device edited at once", () =>
    convergesAtOnce(
      editAndUndo,
      ({ trip, hers }) => trip.edit(hers, "we all meet at noon"),
      text,
      "we all meet at noon",
    ))
  it("[U11] undo survives a crash", () => survivesCrash(editAndUndo, text, "we meet at noon"))
})

describe("replies", () => {
  const reply: Act = ({ trip, his }) => trip.send("I do", { replyTo: his })
  const quote: Look = (place) => {
    const message = last(place)
    return [message?.text, message?.quote?.state === "ready" ? [message.quote.author, message.quote.text] : undefined]
  }
  const wanted = ["I do", ["bob", "who brings bread?"]]
  it("[M7] replies written offline have their quote, and arrive with it", () => worksOffline(reply, quote, wanted))
  it("[M7] replies written at once with an edit of what they quote show the edit", () =>
    convergesAtOnce(
      ({ trip, hers }) => trip.send("fine", { replyTo: hers }),
      ({ trip, hers }) => trip.edit(hers, "we meet at one"),
      quote,
      ["fine", ["alice", "we meet at one"]],
    ))
  it("[M7] replies survive a crash", () => survivesCrash(reply, quote, wanted))
  it("[M7] replies are on all devices of the user", () => isOnAllDevices(reply, quote, wanted))
})

describe("threads", () => {
  const answer =
    (text: string): Act =>
    ({ trip, his }) =>
      trip.send(text, { thread: his })
  const thread: Look = ({ trip, his }) => [
    trip.message(his)?.replies?.count,
    trip.messages
      .get()
      .items.filter((message) => message.thread === his)
      .map(({ text }) => text)
      .sort(),
  ]
  it("[M1] threads take messages offline, and count them", () => worksOffline(answer("rye"), thread, [1, ["rye"]]))
  it("[M1] threads that two devices write into at once have both", () =>
    convergesAtOnce(answer("rye"), answer("wheat"), thread, [2, ["rye", "wheat"]]))
  it("[M1] threads survive a crash", () => survivesCrash(answer("rye"), thread, [1, ["rye"]]))
  it("[M1] threads are on all devices of the user", () => isOnAllDevices(answer("rye"), thread, [1, ["rye"]]))
})

describe("forwards", () => {
  const forward: Act = ({ trip, his }) => {
    const message = trip.message(his)
    if (message !== undefined) trip.forward(message)
  }
  const forwards: Look = ({ trip }) =>
    trip.messages
      .get()
      .items.slice(2)
      .map(({ text, author, forwardedFrom }) => [text, author, forwardedFrom])
  const copy = ["who brings bread?", "alice", "bob"]
  it("[M1] forwards are written offline", () => worksOffline(forward, forwards, [copy]))
  it("[M1] forwards of one message on two devices at once are two messages", () =>
    convergesAtOnce(forward, forward, forwards, [copy, copy]))
  it("[M1] forwards survive a crash", () => survivesCrash(forward, forwards, [copy]))
  it("[M1] forwards are on all devices of the user", () => isOnAllDevices(forward, forwards, [copy]))
})

describe("reactions", () => {
  const react =
    (emoji: string): Act =>
    ({ trip, his }) =>
      trip.react(his, emoji)
  it("[M6] reactions are given offline", () => worksOffline(react("👍"), reactions, [["👍", ["alice"], true]]))
  it("[M6] reactions given at once on two devices stand, each once", () =>
    convergesAtOnce(
      react("👍"),
      ({ trip, his }) => {
        trip.react(his, "👍")
        trip.react(his, "🎉")
      },
      reactions,
      [
        ["🎉", ["alice"], true],
        ["👍", ["alice"], true],
      ],
    ))
  it("[M6] reactions survive a crash", () => survivesCrash(react("👍"), reactions, [["👍", ["alice"], true]]))
  it("[M6] reactions are on all devices of the user", () =>
    isOnAllDevices(react("👍"), reactions, [["👍", ["alice"], true]]))
})

describe("mentions", () => {
  const mention: Act = ({ trip }) => trip.send("hi @bob", { mentions: [{ start: 3, length: 4, user: "bob" }] })
  const mentions: Look = (place) => last(place)?.mentions
  const wanted = [{ start: 3, length: 4, user: "bob" }]
  it("[M2] mentions are written offline", () => worksOffline(mention, mentions, wanted))
  it("[M5] mentions stay at their words when two devices edit at once", () =>
    convergesAtOnce(
      ({ trip, hers }) =>
        trip.edit(hers, "@bob, we meet at noon", { mentions: [{ start: 0, length: 4, user: "bob" }] }),
      ({ trip, hers }) => trip.edit(hers, "we meet at noon sharp"),
      ({ trip, hers }) => [trip.message(hers)?.text, trip.message(hers)?.mentions],
      ["@bob, we meet at noon sharp", [{ start: 0, length: 4, user: "bob" }]],
    ))
  it("[M2] mentions survive a crash", () => survivesCrash(mention, mentions, wanted))
  it("[M2] mentions are on all devices of the user", () => isOnAllDevices(mention, mentions, wanted))
})

describe("unread counts", () => {
  const count: Look = ({ trip }) => trip.unread.get().count
  const read: Act = ({ trip }) => {
    trip.markRead()
  }
  const unread: Act = ({ trip, his }) => {
    trip.markRead()
    trip.markUnread(his)
  }
  it("[U10] unread counts go to nothing offline, and stay there", () => worksOffline(read, count, 0))
  it("[U10] unread counts are nothing when two devices read at once", () => convergesAtOnce(read, read, count, 0))
  it("[U10] read marks survive a crash", () => survivesCrash(read, count, 0))
  it("[U10] what is marked as unread offline is so on all devices", () => worksOffline(unread, count, 1))
  it("[U10] what two devices mark as unread at once is unread", () => convergesAtOnce(unread, unread, count, 1))
  it("[U10] marks of unread survive a crash", () => survivesCrash(unread, count, 1))
})

describe("drafts", () => {
  const type: Act = ({ trip, his }) => {
    trip.draft.set("half a sen")
    trip.threadDraft(his).set("and half")
  }
  const typed: Look = ({ trip, his }) => [trip.draft.get(), trip.threadDraft(his).get()]
  it("[U9] drafts of a conversation and its threads survive a crash", () =>
    survivesCrash(type, typed, ["half a sen", "and half"]))
})

describe("settings of conversations", () => {
  const set: Act = ({ trip }) => {
    trip.setPinned(true)
    trip.setArchived(true)
    trip.mute(1_900_000_000_000)
  }
  const settings: Look = ({ trip }) => {
    const { pinned, archived, mutedUntil } = trip.settings.get()
    return [pinned, archived, mutedUntil]
  }
  it("[U2] settings of a conversation survive a crash", () =>
    survivesCrash(set, settings, [true, true, 1_900_000_000_000]))
})

describe("blocks and privacy", () => {
  const set: Act = ({ client }) => {
    client.account.block("bob")
    client.account.setPrivacy({ receipts: false, lastSeen: false })
  }
  const look: Look = ({ client, trip }) => {
    const { blocked, privacy } = client.account.get()
    return [Array.from(blocked), privacy, trip.messages.get().items.length]
  }
  const wanted = [["bob"], { receipts: false, lastSeen: false }, 1]
  it("[U2] blocks and privacy work offline", () => worksOffline(set, look, wanted))
  it("[U2] blocks and privacy survive a crash", () => survivesCrash(set, look, wanted))
})

describe("the list of conversations", () => {
  const write: Act = ({ trip }) => {
    trip.send("see you")
    trip.draft.set("by the way")
  }
  const list: Look = ({ client }) =>
    client.list.get().map(({ info, draft }) => [info.title, info.lastMessage?.text, draft])
  const wanted = [["Trip", "see you", "by the way"]]
  it("[U12] the list of conversations shows at once what is written offline", () => worksOffline(write, list, wanted))
  it("[U12] the list of conversations written to on two devices at once ends the same", () =>
    convergesAtOnce(
      ({ trip }) => {
        trip.send("see you")
        trip.setPinned(true)
      },
      ({ trip }) => {
        trip.draft.set("by the way")
      },
      ({ client }) =>
        client.list.get().map(({ info, settings, draft }) => [info.lastMessage?.text, settings.pinned, draft]),
      [["see you", true, "by the way"]],
    ))
  it("[U12] the list of conversations survives a crash", () => survivesCrash(write, list, wanted))
})

describe("members and settings of a conversation", () => {
  const change: Act = async ({ trip, his }) => {
    await trip.addMember("carol")
    await trip.setRole("bob", "moderator")
    await trip.setTitle("Trip to the sea")
    await trip.setTopic("in May")
    await trip.pin(his)
    await trip.setAnnouncementsOnly(true)
  }
  const look: Look = ({ trip }) => {
    const { members, title, topic, pinned, announcementsOnly } = trip.info.get()
    return [members.map(({ user, role }) => [user, role]).sort(), title, topic, pinned.length, announcementsOnly]
  }
  const everybody = [
    ["alice", "owner"],
    ["bob", "moderator"],
    ["carol", "member"],
  ]
  const wanted = [everybody, "Trip to the sea", "in May", 1, true]
  it("[A6, A15, A17, A18] members, roles, title, topic, pins change offline, and for everybody later", () =>
    worksOffline(change, look, wanted))
  it("[A6, A15, A17] members, roles, title, topic, pins changed on two devices at once have both changes", () =>
    convergesAtOnce(
      async ({ trip }) => {
        await trip.addMember("carol")
        await trip.setTitle("Trip to the sea")
        await trip.setAnnouncementsOnly(true)
      },
      async ({ trip, his }) => {
        await trip.setRole("bob", "moderator")
        await trip.setTopic("in May")
        await trip.pin(his)
      },
      look,
      wanted,
    ))
  it("[A1] members, roles, title, topic, pins survive a crash", () => survivesCrash(change, look, wanted))
  it("[A1] members, roles, title, topic, pins are the same on all devices of the user", () =>
    isOnAllDevices(change, look, wanted))
  it("[A8] a member removed on one device and raised on another at once is out", () =>
    convergesAtOnce(
      ({ trip }) => trip.removeMember("bob"),
      ({ trip }) => trip.setRole("bob", "admin"),
      ({ trip }) => trip.info.get().members.map(({ user }) => user),
      ["alice"],
    ))
})

describe("invites", () => {
  const invite: Act = ({ trip }) => trip.createInvite({ uses: 3 })
  const open: Look = ({ trip }) => trip.invites.get().map(({ by, uses, used }) => [by, uses, used])
  it("[A19] invites are made offline, and open later", () => worksOffline(invite, open, [["alice", 3, 0]]))
  it("[A19] invites made on two devices at once are both open", () =>
    convergesAtOnce(invite, invite, open, [
      ["alice", 3, 0],
      ["alice", 3, 0],
    ]))
  it("[A19] invites and their link survive a crash", () =>
    survivesCrash(invite, ({ trip }) => trip.invites.get().map(({ link, uses }) => [link?.startsWith("weft:"), uses]), [
      [true, 3],
    ]))
  it("[A19] invites are on all devices of the user", () =>
    isOnAllDevices(
      invite,
      ({ trip }) => trip.invites.get().map(({ link, uses, used }) => [link?.startsWith("weft:"), uses, used]),
      [[true, 3, 0]],
    ))
})

describe("leaving", () => {
  const leave: Act = async ({ trip }) => {
    await trip.setRole("bob", "owner")
    await trip.leave()
  }
  const comeBack: Act = async (place) => {
    await leave(place)
    await place.trip.undoLeave()
  }
  const standing: Look = ({ trip }) => {
    const { membership, role, members } = trip.info.get()
    return [membership, role, members.map(({ user }) => user).sort()]
  }
  const back = ["member", "owner", ["alice", "bob"]]
  it("[A16] leaving and coming back work offline", () => worksOffline(comeBack, standing, back))
  it("[A16] leaving survives a crash", () => survivesCrash(leave, standing, ["left", undefined, ["bob"]]))
  it("[A16] leaving and coming back are so on all devices of the user", () => isOnAllDevices(comeBack, standing, back))
})

describe("direct conversations", () => {
  const open: Act = async ({ client }) => {
    const direct = await client.openDirect("bob")
    await direct.send("hi").reached("saved")
  }
  const look: Look = ({ client }) =>
    client.list.get().flatMap(({ info }) => (info.direct === undefined ? [] : [[info.direct, info.lastMessage?.text]]))
  const wanted = [["bob", "hi"]]
  it("[A20] a direct conversation is opened offline", () => worksOffline(open, look, wanted))
  it("[A20] a direct conversation that two devices open at once is one", () =>
    convergesAtOnce(
      ({ client }) => client.openDirect("bob"),
      ({ client }) => client.openDirect("bob"),
      ({ client }) => client.conversations.get().filter(({ info }) => info.get().direct === "bob").length,
      1,
    ))
  it("[A20] a direct conversation survives a crash", () => survivesCrash(open, look, wanted))
  it("[A20] a direct conversation is on all devices of the user", () => isOnAllDevices(open, look, wanted))
})
