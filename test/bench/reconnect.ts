import { conversationOf, until } from "../support/until.ts"
import { ByteProxy, type Traffic } from "./byte-proxy.ts"
import { figure, type Bench } from "./figure.ts"
import { onStage } from "./stage.ts"

const CONVERSATIONS = 500
const CHANGED = 10

export const reconnect: Bench = {
  name: "reconnect",
  what: `bytes of a reconnect with ${String(CONVERSATIONS)} conversations, none changed`,
  exact: true,
  run: (say) =>
    onStage(async (stage) => {
      const proxy = await ByteProxy.start(stage.server.url)
      const alice = await stage.client("alice", "alice", proxy.url)
      const bob = await stage.client("bob", "bob")
      const rooms = []
      for (let number = 0; number < CONVERSATIONS; number++) {
        const room = await alice.createConversation({ title: `Room ${String(number)}`, members: ["bob"] })
        room.send("hello")
        rooms.push(room.id)
      }
      await alice.synced()
      for (const id of rooms) await conversationOf(bob, id)
      await Promise.all([alice.synced(), bob.synced()])
      const again = async (): Promise<Traffic> => {
        alice.goOffline()
        await bob.synced()
        proxy.take()
        alice.goOnline()
        await alice.synced()
        return proxy.take()
      }
      // What is learned late, of devices and receipts, is not what is measured.
      for (const id of rooms) {
        const room = await conversationOf(alice, id)
        const [hello] = room.messages.get().items
        if (hello !== undefined) await until(room.receipts(hello.id), ({ delivered }) => delivered.length === 1)
      }
      await again()
      const idle = await again()
      alice.goOffline()
      for (const id of rooms.slice(0, CHANGED)) (await conversationOf(bob, id)).send("meanwhile")
      await bob.synced()
      const changed = await again()
      await proxy.close()
      say(`none changed: ${describe(idle)}; ${String(CHANGED)} changed: ${describe(changed)}`)
      return figure({
        value: (idle.up + idle.down) / 1024,
        unit: "KB",
        target: 16,
        better: "less",
        counts: {
          bytes: idle.up + idle.down,
          flights: idle.flights,
          "bytes, some changed": changed.up + changed.down,
          "flights, some changed": changed.flights,
        },
        notes: [
          `${String(idle.flights)} flights of the client, the greeting among them`,
          `${String(CHANGED)} changed: ${((changed.up + changed.down) / 1024).toFixed(1)} KB, ${String(changed.flights)} flights`,
        ],
      })
    }),
}

function describe({ up, down, flights }: Traffic): string {
  return `${String(up)} bytes up, ${String(down)} down, ${String(flights)} flights`
}
