import { conversationOf, until } from "../support/until.ts"
import { ByteProxy } from "./byte-proxy.ts"
import { figure, type Bench } from "./figure.ts"
import { bytesOf, realTexts } from "./real-text.ts"
import { onStage } from "./stage.ts"

const MESSAGES = 300

export const wire: Bench = {
  name: "wire",
  what: "bytes of a sent message beyond its text, on its author's connection, in both directions",
  exact: true,
  run: (say) =>
    onStage(async (stage) => {
      const proxy = await ByteProxy.start(stage.server.url)
      const alice = await stage.client("alice", "alice", proxy.url)
      const bob = await stage.client("bob", "bob")
      const room = await alice.createConversation({ title: "Room", members: ["bob"] })
      const atBob = await conversationOf(bob, room.id)
      const texts = await realTexts(MESSAGES + 20)
      const send = async (some: readonly string[]): Promise<void> => {
        for (const text of some) await room.send(text).reached("sent")
      }
      await send(texts.slice(0, 20))
      await until(atBob.messages, ({ items }) => items.length === 20)
      await Promise.all([alice.synced(), bob.synced()])
      proxy.take()
      await send(texts.slice(20))
      const { up, down } = proxy.take()
      await proxy.close()
      const value = (up + down - bytesOf(texts.slice(20))) / MESSAGES
      say(`up ${(up / MESSAGES).toFixed(1)}, down ${(down / MESSAGES).toFixed(1)} bytes a message`)
      return figure({
        value,
        unit: "bytes",
        target: 175,
        better: "less",
        // How many receipts come down follows the time that it takes.
        counts: { up: up / MESSAGES, "up and down": (up + down) / MESSAGES },
        notes: ["one seal each, ack included"],
      })
    }),
}
