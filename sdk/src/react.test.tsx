// @vitest-environment happy-dom
import { type ReactNode, StrictMode, useEffect } from "react"
import { flushSync } from "react-dom"
import { createRoot, type Root } from "react-dom/client"
import { renderToString } from "react-dom/server"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Client, ClientOptions, Storage } from "./index.js"
import { createClient, createMemoryStorage, WeftError } from "./index.js"
import {
  useAccount,
  useChanges,
  useClient,
  useConversation,
  useConversationList,
  useConversations,
  useConversationSettings,
  useDraft,
  useInvites,
  useMessages,
  usePresence,
  useReceipts,
  useSearch,
  useSubscribable,
  useSyncStatus,
  useThread,
  useTyping,
  useUnread,
  WeftProvider,
} from "./react.js"

/** A storage that tells when a client takes it and lets go of it. */
function watchedStorage(events: string[], name: string): Storage {
  const storage = createMemoryStorage()
  return {
    kind: storage.kind,
    get: (key) => storage.get(key),
    scan: (range) => storage.scan(range),
    keys: (range) => storage.keys(range),
    write: (batch, options) => storage.write(batch, options),
    estimate: () => storage.estimate(),
    keyPair: () => {
      events.push(`open ${name}`)
      return storage.keyPair()
    },
    close: () => {
      events.push(`close ${name}`)
      return storage.close()
    },
  }
}

let root: Root
let place: HTMLElement
const opened: Client[] = []

beforeEach(() => {
  place = document.createElement("div")
  document.body.append(place)
  root = createRoot(place)
})

afterEach(async () => {
  root.unmount()
  place.remove()
  await Promise.all(opened.splice(0).map((client) => client.close()))
})

async function openClient(options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await createClient({ user: "alice", storage: createMemoryStorage(), ...options })
  opened.push(client)
  return client
}

function show(node: ReactNode): void {
  flushSync(() => {
    root.render(node)
  })
}

async function shows(text: string): Promise<void> {
  await expect.poll(() => place.textContent, { timeout: 5_000 }).toBe(text)
}

function Name(): ReactNode {
  return useClient().user
}

describe("WeftProvider", () => {
  it("gives the client that it is given, and leaves it open", async () => {
    const client = await openClient()
    show(
      <WeftProvider client={client}>
        <Name />
      </WeftProvider>,
    )
    expect(place.textContent).toBe("alice")
    show(null)
    await expect(client.createConversation({ title: "still open" })).resolves.toBeDefined()
  })

  it("opens one client from options, shows what is loading meanwhile, and closes it in the end", async () => {
    const events: string[] = []
    const storage = watchedStorage(events, "a")
    show(
      <WeftProvider options={{ user: "alice", storage }} loading="loading">
        <Name />
      </WeftProvider>,
    )
    await shows("alice")
    show(null)
    await expect.poll(() => events).toEqual(["open a", "close a"])
  })

  it("in StrictMode opens one client only, and uses it open", async () => {
    const events: string[] = []
    const storage = watchedStorage(events, "a")
    let client: Client | undefined
    function Take(): ReactNode {
      client = useClient()
      return useSyncStatus().tab
    }
    show(
      <StrictMode>
        <WeftProvider options={{ user: "alice", storage }} loading="loading">
          <Take />
        </WeftProvider>
      </StrictMode>,
    )
    await shows("writer")
    expect(events).toEqual(["open a"])
    await expect(client?.createConversation({ title: "Trip" })).resolves.toBeDefined()
    show(null)
    await expect.poll(() => events).toEqual(["open a", "close a"])
  })

  it("opens the next client after the one before is closed; new literals of equal options change nothing", async () => {
    const events: string[] = []
    const storages = { alice: watchedStorage(events, "alice"), bob: watchedStorage(events, "bob") }
    const page = (user: "alice" | "bob"): ReactNode => (
      <WeftProvider options={{ user, servers: [], storage: storages[user] }} loading="loading">
        <Name />
      </WeftProvider>
    )
    show(page("alice"))
    await shows("alice")
    show(page("alice"))
    expect(place.textContent).toBe("alice")
    show(page("bob"))
    expect(place.textContent).not.toBe("alice")
    await shows("bob")
    expect(events).toEqual(["open alice", "close alice", "open bob"])
  })

  it("shows why a client can't be opened, and tries again when asked", async () => {
    const refusal = new WeftError("STORE_UNAVAILABLE", "no storage here")
    let storage: Storage = { ...watchedStorage([], "broken"), keyPair: () => Promise.reject(refusal) }
    let again: (() => void) | undefined
    const page = (): ReactNode => (
      <WeftProvider
        options={{ user: "alice", storage }}
        failed={(error, retry) => {
          again = retry
          return error instanceof WeftError ? error.code : "?"
        }}
      >
        <Name />
      </WeftProvider>
    )
    show(page())
    await shows("STORE_UNAVAILABLE")
    storage = createMemoryStorage()
    show(page())
    again?.()
    await shows("alice")
  })

  it("without a provider the hooks say so", () => {
    expect(() => renderToString(<Name />)).toThrow("WeftProvider")
  })
})

describe("hooks", () => {
  function Titles(): ReactNode {
    return useConversations()
      .map((conversation) => conversation.info.get().title)
      .join(", ")
  }

  it("useConversations follows the list", async () => {
    const client = await openClient()
    show(
      <WeftProvider client={client}>
        <Titles />
      </WeftProvider>,
    )
    expect(place.textContent).toBe("")
    await client.createConversation({ title: "Trip" })
    await shows("Trip")
  })

  it("useConversation finds a conversation that comes later, and follows its title and members", async () => {
    const client = await openClient()
    const other = await openClient({ user: "bob" })
    function Title({ id }: { id: string }): ReactNode {
      const view = useConversation(id)
      return view === undefined ? "unknown" : `${view.title}: ${view.members.map(({ user }) => user).join(" ")}`
    }
    const page = (id: string): ReactNode => (
      <WeftProvider client={client}>
        <Title id={id} />
      </WeftProvider>
    )
    const elsewhere = await other.createConversation({ title: "elsewhere" })
    show(page(elsewhere.id))
    expect(place.textContent).toBe("unknown")
    const trip = await client.createConversation({ title: "Trip", members: ["bob"] })
    show(page(trip.id))
    await shows("Trip: alice bob")
    await trip.setTitle("Lisbon")
    await shows("Lisbon: alice bob")
    await trip.removeMember("bob")
    await shows("Lisbon: alice")
  })

  it("useMessages shows what is sent at once, then as saved, and loads older ones on request", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    let loadOlder = (): Promise<void> => Promise.reject(new Error("nothing is shown yet"))
    function List(): ReactNode {
      const messages = useMessages(trip.id)
      loadOlder = messages.loadOlder
      return `${messages.state} ${messages.items.map(({ text, status }) => `${text ?? ""} ${status}`).join(", ")}`
    }
    show(
      <WeftProvider client={client}>
        <List />
      </WeftProvider>,
    )
    await shows("ready ")
    trip.send("hello")
    await shows("ready hello saved")
    const load = loadOlder()
    expect(loadOlder()).toBe(load)
    await load
  })

  it("useMessages of what this device does not have is loading, never empty", async () => {
    const client = await openClient()
    function State(): ReactNode {
      const { state, complete } = useMessages(undefined)
      return `${state} ${complete}`
    }
    show(
      <WeftProvider client={client}>
        <State />
      </WeftProvider>,
    )
    expect(place.textContent).toBe("loading false")
  })

  it("useSyncStatus names what is pending, and useSubscribable follows an outgoing message", async () => {
    const client = await openClient()
    client.goOffline()
    client.addServer("ws://localhost:1")
    const trip = await client.createConversation({ title: "Trip" })
    const message = trip.send("hello")
    function Pending(): ReactNode {
      const { connection, pending } = useSyncStatus()
      return `${connection.kind} ${pending.map(({ messages }) => messages).join()} ${useSubscribable(message)}`
    }
    show(
      <WeftProvider client={client}>
        <Pending />
      </WeftProvider>,
    )
    await shows("offline 1 saved")
  })
})

describe("hooks of what people do with a conversation", () => {
  async function showFor(Shown: () => ReactNode, client: Client): Promise<void> {
    show(
      <StrictMode>
        <WeftProvider client={client}>
          <Shown />
        </WeftProvider>
      </StrictMode>,
    )
    await expect.poll(() => place.textContent).not.toBe("")
  }

  it("useDraft changes a controlled field at once, follows the draft, and keeps a thread's apart", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    const root = trip.send("root").id
    let write = (_text: string): void => undefined
    function Drafts(): ReactNode {
      const [text, setText, named] = useDraft(trip)
      const [inThread] = useDraft(trip.id, root)
      write = setText
      return `[${text}] [${inThread}]${named.map(({ start, user }) => ` ${user ?? "all"} at ${start}`).join("")}`
    }
    await showFor(Drafts, client)
    flushSync(() => {
      write("half a")
    })
    expect(place.textContent).toBe("[half a] []")
    expect(trip.draft.get()).toBe("half a")
    trip.threadDraft(root).set("below")
    trip.draft.set("half a word")
    await shows("[half a word] [below]")
    trip.draft.set("half a word", { mentions: [{ start: 7, length: 4, user: "bob" }] })
    await shows("[half a word] [below] bob at 7")
    trip.send("half a word")
    await shows("[] [below]")
  })

  it("useThread lists the answers below a message", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    const root = trip.send("root").id
    function Thread(): ReactNode {
      const { state, items } = useThread(trip, root)
      return `${state}: ${items.map(({ text }) => text).join(", ")}`
    }
    await showFor(Thread, client)
    await shows("ready: ")
    trip.send("one", { thread: root })
    trip.send("elsewhere")
    trip.send("two", { thread: root })
    await shows("ready: one, two")
  })

  it("useConversationSettings and useAccount follow what is set", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    function Settings(): ReactNode {
      const { archived, pinned, mutedUntil } = useConversationSettings(trip.id)
      const { account, blocked, drafts } = useAccount()
      const same = account === client.account
      return `${archived} ${pinned} ${mutedUntil} ${Array.from(blocked).join()} ${drafts.get(trip.id) ?? "-"} ${same}`
    }
    await showFor(Settings, client)
    expect(place.textContent).toBe("false false undefined  - true")
    trip.setArchived(true)
    trip.setPinned(true)
    trip.mute()
    client.account.block("bob")
    trip.draft.set("soon")
    await shows("true true Infinity bob soon true")
    await client.account.undo()
    await shows("false true Infinity bob soon true")
  })

  it("useConversationList shows what a list needs, and renders what changed", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    await client.createConversation({ title: "Notes" })
    function List(): ReactNode {
      return useConversationList()
        .map(
          ({ info, draft, settings }) => `${info.title}:${info.lastMessage?.text ?? "-"}:${draft}:${settings.pinned}`,
        )
        .join(" ")
    }
    await showFor(List, client)
    trip.send("hello")
    await shows("Trip:hello::false Notes:-::false")
    client.conversations.get()[1]?.setPinned(true)
    trip.draft.set("and")
    await shows("Notes:-::true Trip:hello:and:false")
  })

  it("useSearch finds what was written here, and goes on looking", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    function Hits({ text, inTrip = true, before }: { text: string; inTrip?: boolean; before?: number }): ReactNode {
      const conversation = inTrip ? trip.id : undefined
      const { hits, complete } = useSearch(text, { order: "time", conversation, before })
      return `${hits.map((hit) => hit.text).join(", ")} ${complete}`
    }
    trip.send("the first train")
    await showFor(() => <Hits text="train" />, client)
    await shows("the first train true")
    trip.send("another train")
    await shows("another train, the first train true")
    await showFor(() => <Hits text=" " />, client)
    await shows("another train, the first train true")
    await showFor(() => <Hits text="train" before={Infinity} />, client)
    await shows("another train, the first train true")
    await showFor(() => <Hits text="train" before={-Infinity} />, client)
    await shows(" true")
    await showFor(() => <Hits text=" " inTrip={false} />, client)
    await shows(" true")
    await showFor(() => <Hits text=" " inTrip={false} before={Infinity} />, client)
    await shows(" true")
  })

  it("useTyping, usePresence and useReceipts are about nobody while this device is alone", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip", members: ["bob"] })
    const { id } = trip.send("hello")
    function Others(): ReactNode {
      const [typing, setTyping] = useTyping(trip)
      useEffect(() => {
        setTyping()
      }, [setTyping])
      const { delivered, read, waiting } = useReceipts(trip, id)
      return `${typing.length} ${usePresence(trip).size} ${delivered.length} ${read.length} ${waiting.join()}`
    }
    await showFor(Others, client)
    // until it is sealed nobody was to get it
    await shows("0 0 0 0 ")
    trip.attach(() => ({ destroy: () => undefined }))
    await shows("0 0 0 0 bob")
  })

  // what others wrote is counted with a server: test/browser/messages.test.ts
  it("useUnread does not count what was written here", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    function Count(): ReactNode {
      const { count, mentions } = useUnread(trip)
      return `${useMessages(trip).items.length} ${count} ${mentions}`
    }
    await showFor(Count, client)
    trip.send("own")
    await shows("1 0 0")
  })

  it("useChanges names what was set, and useInvites the ways in: none before a server is known", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    function Changes(): ReactNode {
      const changes = useChanges(trip).map(({ kind, text, status }) => `${kind} ${text ?? ""} ${status}`)
      return `${changes.at(-1) ?? "nothing"}; ${useInvites(trip.id).length}`
    }
    await showFor(Changes, client)
    await trip.setTopic("Lisbon in May")
    await shows("topic Lisbon in May pending; 0")
  })

  it("of what this device does not have they tell nothing, and take nothing", async () => {
    const client = await openClient()
    function Nothing(): ReactNode {
      const [draft, setDraft] = useDraft(undefined)
      setDraft("lost")
      const lists = [useChanges(undefined), useInvites(undefined)].map(({ length }) => length)
      return `[${draft}] ${useUnread(undefined).count} ${useThread(undefined, undefined).state} ${lists.join()}`
    }
    await showFor(Nothing, client)
    expect(place.textContent).toBe("[] 0 loading 0,0")
  })
})

describe("on a server", () => {
  it("renders what is loading, and opens nothing", () => {
    const events: string[] = []
    const storage = watchedStorage(events, "a")
    const html = renderToString(
      <WeftProvider options={{ user: "alice", storage }} loading={<p>loading</p>}>
        <Name />
      </WeftProvider>,
    )
    expect(html).toBe("<p>loading</p>")
    expect(events).toEqual([])
  })

  it("renders of a given client what the browser's first render repeats: nothing that is known to one side only", async () => {
    const client = await openClient()
    const trip = await client.createConversation({ title: "Trip" })
    function All(): ReactNode {
      const count = useConversations().length
      const { connection } = useSyncStatus()
      return `${count} ${connection.kind} ${useMessages(trip).state} ${useConversation(trip) === undefined}`
    }
    const html = renderToString(
      <WeftProvider client={client}>
        <All />
      </WeftProvider>,
    )
    expect(html).toBe("0 offline loading true")
  })
})
