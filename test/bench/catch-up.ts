import { conversationOf, until } from "../support/until.ts"
import { ByteProxy } from "./byte-proxy.ts"
import { figure, type Bench } from "./figure.ts"
import { bytesOf, realTexts } from "./real-text.ts"
import { onStage } from "./stage.ts"
import { heldBytes, storedBytes } from "./stored-bytes.ts"

const MISSED = 10_000
const SHOWN = 50

export const catchUp: Bench = {
  name: "catch-up",
  what: `bytes of catching up on ${MISSED} messages, in their bytes at rest`,
  exact: true,
  run: (say) =>
    onStage(async (stage) => {
      const proxy = await ByteProxy.start(stage.server.url)
      const alice = await stage.client("alice", "alice")
      const bob = await stage.client("bob", "bob", proxy.url)
      const room = await alice.createConversation({ title: "Room", members: ["bob"] })
      const atBob = await conversationOf(bob, room.id)
      await Promise.all([alice.synced(), bob.synced()])
      bob.goOffline()
      const texts = await realTexts(MISSED)
      let last = room.send(texts[0] ?? "")
      for (const text of texts.slice(1)) last = room.send(text)
      await last.reached("sent")
      await alice.synced()
      const keep = atBob.messages.subscribe(() => undefined)
      proxy.take()
      const start = performance.now()
      bob.goOnline()
      await until(atBob.messages, ({ items }) => items.length >= SHOWN && items.at(-1)?.id === last.id)
      const shown = performance.now() - start
      await bob.synced()
      const all = performance.now() - start
      const { up, down } = proxy.take()
      keep()
      await stage.closeClient(bob)
      const held = await heldBytes(stage.databaseOf("bob"))
      const atRest = await storedBytes(stage.databaseOf("bob"))
      await proxy.close()
      say(
        `${up + down} bytes, ${atRest} at rest; newest ${SHOWN} after ${shown.toFixed(0)} ms, all after ${all.toFixed(0)} ms`,
      )
      return figure({
        value: (up + down) / atRest,
        unit: "x",
        target: 1.1,
        better: "less",
        counts: { bytes: up + down },
        notes: [
          `${((up + down) / MISSED).toFixed(1)} bytes a message, ${(bytesOf(texts) / MISSED).toFixed(1)} of them its text`,
          `${((up + down) / held).toFixed(3)} x of what is stored, before LevelDB compresses it`,
          `newest ${SHOWN} shown after ${shown.toFixed(0)} ms (at most 300 ms), all there after ${all.toFixed(0)} ms`,
        ],
      })
    }),
}
