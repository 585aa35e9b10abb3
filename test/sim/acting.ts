import type { Conversation, SendOptions } from "../../sdk/src/client/api.js"
import type { Message, MessageStatus } from "../../sdk/src/conversation/message.js"
import type { MessageId } from "@weft/sdk/protocol"
import type { Removal } from "./oracle.js"
import type { SimDevice } from "./sim-device.js"
import type { Stage } from "./stage.js"
import { allItems, isAuthoritySaved } from "./views.js"

export function crash(stage: Stage, device: SimDevice, power: boolean): void {
  device.crash(power)
  stage.oracle.died(device)
}

/** With everybody by default. */
export function createConversation(
  stage: Stage,
  device: SimDevice,
  number: number,
  members: readonly string[] = stage.users,
): void {
  const client = device.clientOf(number)
  if (client === undefined) return
  const created = client.createConversation({ title: "Trip", members })
  stage.background(
    "create",
    created.then((conversation) => {
      stage.conversations.push(conversation.id)
      for (const user of [device.user, ...members]) stage.oracle.letIn.add(`${conversation.id} ${user}`)
      stage.trace.tell(`${device.name} created ${conversation.id.slice(0, 6)}`)
    }),
  )
}

/** A message that is shown there with its text, and about which something may be said; by this user, where one is named. */
export function textOf(
  stage: Stage,
  device: SimDevice,
  number: number,
  which: number,
  author?: string,
): Message | undefined {
  const conversation = stage.conversationOf(device, number)?.conversation
  const items = conversation?.messages.get().items ?? []
  const texts = items.filter((item) => item.form === "text" && (author === undefined || item.author === author))
  const text = texts[which % Math.max(1, texts.length)]
  // Nobody takes what is said about a rejected message, or below one.
  const isRejected = (id: MessageId | undefined): boolean =>
    id !== undefined && conversation?.message(id)?.status === "rejected"
  return isRejected(text?.id) || isRejected(text?.thread) ? undefined : text
}

export function say(stage: Stage, device: SimDevice, number: number, padding: number, options?: SendOptions): void {
  const found = stage.conversationOf(device, number)
  if (found?.conversation.info.get().mayWrite !== true) return
  const text = `<${stage.sayings++} by ${device.user}>${".".repeat(padding)}`
  device.say(found.conversation, text, options)
}

/** Who removes their own user leaves. */
export function remove(stage: Stage, device: SimDevice, number: number, user: string): void {
  if (user === device.user) leave(stage, device, number)
  else expel(stage, device, number, user, (conversation) => conversation.removeMember(user))
}

/** The user of a device goes, and may come back. */
export function leave(stage: Stage, device: SimDevice, number: number): void {
  const tab = device.tabs.find(({ client }) => client === device.clientOf(number))
  const noteAct = (): void => {
    if (tab !== undefined) stage.bookkeeper.noteAct(device, tab, undefined)
  }
  expel(stage, device, number, device.user, (conversation) => {
    noteAct()
    return conversation.leave().finally(noteAct)
  })
}

function expel(
  stage: Stage,
  device: SimDevice,
  number: number,
  user: string,
  ask: (conversation: Conversation) => Promise<unknown>,
): void {
  const found = stage.conversationOf(device, number)
  if (found === undefined) return
  const { conversation } = found
  const messagesOf = (isMeant: (status: MessageStatus) => boolean): Set<MessageId> => {
    const items = allItems(conversation)
    return new Set(items.filter((item) => item.author === user && isMeant(item.status)).map(({ id }) => id))
  }
  const seen = messagesOf((status) => status === "sent" || status === "delivered" || status === "read")
  const process = device.tabs.find(({ client }) => client === device.clientOf(number))?.process
  const removal: Removal = {
    conversation: conversation.id,
    user,
    seen,
    held: undefined,
    outcome: "unknown",
    lasted: false,
    undone: false,
  }
  stage.oracle.removals.push(removal)
  stage.trace.tell(`${device.name} removes ${user}`)
  stage.background(
    "remove",
    ask(conversation).then(
      () => {
        removal.outcome = "written"
        // The screen follows what is held; what comes in later is beyond the cut.
        stage.world.schedule(1_000, () => {
          // A crash that comes first may take it along, and so does one that comes while the disk is full.
          removal.lasted = process?.alive === true && isAuthoritySaved(found.client, conversation.id)
          // Who leaves takes along what was written and is still on its way.
          if (conversation.messages.get().complete) removal.held = messagesOf((status) => status !== "rejected")
        })
      },
      (error: unknown) => {
        removal.outcome = "refused"
        throw error
      },
    ),
  )
}

export function eraseMessage(stage: Stage, device: SimDevice, number: number, id: MessageId): void {
  const found = stage.conversationOf(device, number)
  if (found === undefined) return
  stage.oracle.sayings.get(id)?.erasedBy.add(device.user)
  stage.trace.tell(`${device.name} erases ${id.slice(-6)}`)
  stage.background("erase", found.conversation.erase(id))
}
