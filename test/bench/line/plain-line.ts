import { batchesOf, urlOf, type Line } from "./line.ts"
import { openSocket } from "./socket.ts"

/** Bare messages over WebSocket: the limit. */
export const plainLine: Line = {
  async connect(url, user) {
    await openSocket(`${url}/${user}`, () => undefined)
  },
  async openRoom(plan, { delivered }) {
    const sockets = await Promise.all(
      plan.users.map((_, member) => openSocket(`${urlOf(plan, member)}/${plan.name}`, () => delivered(plan.batchSize))),
    )
    const batches = batchesOf(plan).map(({ member, texts }, id) => ({
      member,
      bytes: Buffer.from(JSON.stringify({ id, from: plan.users[member], texts })),
    }))
    return {
      batches: batches.length,
      send(batch) {
        const { member, bytes } = batches[batch]!
        sockets[member]?.send(bytes)
      },
    }
  },
}
