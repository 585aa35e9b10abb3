import { encodeUpdate } from "@weft/sdk/protocol"
import * as Y from "yjs"
import { makeLog } from "../../support/device.ts"
import { batchesOf, urlOf, type Line, type Room, type RoomEvents, type RoomPlan } from "./line.ts"
import { createConversation, greet, introduce, message, send, type Member } from "./weft-device.ts"

/** Weft's session protocol: a user has one socket for all conversations. */
export function weftLine(): Line {
  const members = new Map<string, Promise<Member>>()
  const memberOf = (url: string, user: string): Promise<Member> => {
    const known = members.get(user)
    if (known !== undefined) return known
    const opened = greet(url, user)
    members.set(user, opened)
    return opened
  }
  return {
    async connect(url, user) {
      await memberOf(url, user)
    },
    async openRoom(plan, events) {
      return openConversation(
        plan,
        events,
        await Promise.all(plan.users.map((user, member) => memberOf(urlOf(plan, member), user))),
      )
    },
  }
}

async function openConversation(plan: RoomPlan, events: RoomEvents, members: readonly Member[]): Promise<Room> {
  const [creator] = members
  if (creator === undefined) throw new Error("a room needs a member")
  const others = members.slice(1).map(({ user }) => user)
  const conversation = await createConversation(creator, plan.name, others)
  const introduced = await Promise.all(members.map((member) => introduce(member, conversation)))
  const document = conversation.segment(1)
  const elementsOfBatch = 2 * plan.batchSize + 1
  for (const member of members) {
    member.documents.set(document, (update) => {
      const { from, to } = Y.parseUpdateMeta(update)
      let elements = 0
      for (const [client, end] of to) elements += end - (from.get(client) ?? 0)
      events.delivered((elements * plan.batchSize) / elementsOfBatch)
    })
  }
  const logs = members.map(({ device }) => makeLog(device, document))
  const batches: { member: Member; update: Uint8Array }[] = []
  for (const { member, texts } of batchesOf(plan)) {
    const drafts = texts.map((text) => message(text, introduced[member]!))
    batches.push({ member: members[member]!, update: encodeUpdate([await logs[member]!.seal(...drafts)]) })
  }
  return {
    batches: batches.length,
    send(batch) {
      const { member, update } = batches[batch]!
      const id = ++member.lastId
      member.answers.set(id, (answer) => {
        if (answer.kind === "ack") events.acknowledged(plan.batchSize)
        else events.failed(new Error(`an update was refused: ${answer.items.map(({ code }) => code).join()}`))
      })
      const repeats = member.lastDocument === document
      member.lastDocument = document
      send(member.socket, repeats ? { kind: "next", id, update } : { kind: "update", id, document, update })
    },
  }
}
