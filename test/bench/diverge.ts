import { conversationOf } from "../support/until.ts"
import { figure, type Bench } from "./figure.ts"
import { realTexts } from "./real-text.ts"
import { onStage } from "./stage.ts"

const MESSAGES = 10_000

export const diverge: Bench = {
  name: "diverge",
  what: `two devices with ${MESSAGES} offline messages each: from going online to one projection on both`,
  exact: false,
  run: (say) =>
    onStage(async (stage) => {
      const alice = await stage.client("alice", "alice")
      const bob = await stage.client("bob", "bob")
      const room = await alice.createConversation({ title: "Room", members: ["bob"] })
      const atBob = await conversationOf(bob, room.id)
      await Promise.all([alice.synced(), bob.synced()])
      const texts = await realTexts(MESSAGES)
      for (const [client, conversation] of [
        [alice, room],
        [bob, atBob],
      ] as const) {
        client.goOffline()
        const written = texts.map((text) => conversation.send(text))
        await written.at(-1)?.reached("saved")
      }
      const start = performance.now()
      alice.goOnline()
      bob.goOnline()
      for (;;) {
        await Promise.all([alice.synced(), bob.synced()])
        if ((await room.digest()) === (await atBob.digest())) break
        // Everything above may be known at once: what the sockets bring has its turn here.
        await new Promise((resolve) => setImmediate(resolve))
      }
      const value = (performance.now() - start) / 1000
      say(`${value.toFixed(2)} s`)
      return figure({
        value,
        unit: "s",
        target: 2,
        better: "less",
        notes: ["server and both clients with LevelDB on one machine; the clients share a process"],
      })
    }),
}
