import type { Conversation } from "../../sdk/src/client/api.js"
import { createConversation } from "./acting.js"
import type { Choices, Kind } from "./kind.js"
import { BEGINNING } from "./process.js"
import type { Stage } from "./stage.js"
import { isAuthoritySaved } from "./views.js"

const MOST_CONVERSATIONS = 5

/** How people come together: smaller conversations, links, and talks of two. */
export const meetingKinds = {
  createSmall: {
    weight: 10,
    since: 5,
    act: (stage, { a, b, c }) => {
      if (stage.conversations.length >= MOST_CONVERSATIONS) return
      const others = stage.users.filter((_, index) => ((c >>> index) & 1) === 1)
      createConversation(stage, stage.device(a), b, others)
    },
  },
  direct: {
    weight: 8,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const client = device.clientOf(b)
      const user = stage.users[c % stage.users.length]!
      if (client === undefined || user === device.user) return
      const open = client.conversations.get()
      const present = open.some(({ info }) => info.get().direct === user && info.get().members.length === 2)
      if (!present && open.length > MOST_CONVERSATIONS) return
      stage.trace.tell(`${device.name} opens a talk with ${user}`)
      stage.background(
        "direct",
        client.openDirect(user).then(({ id }) => {
          stage.oracle.directs.add([device.user, user].sort().join(" "))
          stage.bookkeeper.noteTalk(device.user, user, id)
          stage.bookkeeper.noteTalk(user, device.user, id)
          if (!stage.conversations.includes(id)) stage.conversations.push(id)
        }),
      )
    },
  },
  topic: {
    weight: 6,
    since: 5,
    act: (stage, { a, b, c }) => {
      const found = stage.conversationOf(stage.device(a), b)
      if (found !== undefined) stage.background("topic", found.conversation.setTopic(`topic ${c}`))
    },
  },
  invite: {
    weight: 10,
    since: 5,
    act: (stage, choices) => {
      invite(stage, choices, undefined)
    },
  },
  revoke: {
    weight: 4,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const found = stage.conversationOf(device, b)
      const open = found?.conversation.invites.get() ?? []
      const invite = open[c % Math.max(1, open.length)]
      if (found === undefined || invite === undefined) return
      const { conversation, client } = found
      const way = stage.oracle.ways.find(({ id }) => id === invite.id)
      if (way !== undefined) way.wasRevoked = true
      stage.trace.tell(`${device.name} revokes a way into ${conversation.id.slice(0, 6)}`)
      const tab = device.tabs.find((one) => one.client === client)
      const before = membersOf(conversation)
      const revoked = conversation.revokeInvite(invite.id).then(() => {
        const revocation = { before, after: membersOf(conversation), isSaved: false }
        way?.revocations.push(revocation)
        stage.world.schedule(1_000, () => {
          revocation.isSaved = tab?.process.alive === true && isAuthoritySaved(client, conversation.id)
        })
      })
      stage.background("revoke", revoked)
    },
  },
  join: {
    weight: 16,
    since: 5,
    act: (stage, { a, b, c }) => {
      const device = stage.device(a)
      const client = device.clientOf(b)
      const tab = device.tabs.find((one) => one.client === client)
      const way = stage.oracle.ways[c % Math.max(1, stage.oracle.ways.length)]
      if (client === undefined || tab === undefined || way === undefined) return
      if (client.conversation(way.conversation)?.info.get().role !== undefined) return
      stage.trace.tell(`${device.name} goes into ${way.conversation.slice(0, 6)} by a link`)
      // Who left comes back by that. [SPEC A16]
      if (client.conversation(way.conversation)?.info.get().membership === "left") {
        const own = stage.oracle.removals.filter(({ conversation }) => conversation === way.conversation)
        for (const removal of own) if (removal.user === device.user) removal.undone = true
      }
      const at = stage.world.now
      const joining = client.join(way.link).then(() => {
        const { user, name } = device
        const join = { way, user, device: name, at, isSaved: false }
        stage.oracle.joins.push(join)
        stage.world.schedule(1_000, () => {
          join.isSaved = tab.process.alive && isAuthoritySaved(client, way.conversation)
        })
      })
      stage.background("join", joining)
    },
  },
  inviteForNow: {
    weight: 8,
    since: 6,
    act: (stage, choices) => {
      invite(stage, choices, 1_000 + (choices.c % 60_000))
    },
  },
} as const satisfies Record<string, Kind>

/** `lifeMs`: the link ends then. */
function invite(stage: Stage, { a, b, c }: Choices, lifeMs: number | undefined): void {
  const device = stage.device(a)
  const found = stage.conversationOf(device, b)
  const tab = device.tabs.find(({ client }) => client === found?.client)
  if (found === undefined || tab === undefined) return
  const { client, conversation } = found
  const uses = lifeMs === undefined ? [undefined, 1, 2, undefined][c % 4] : undefined
  const endsAt = lifeMs === undefined ? undefined : Math.floor(stage.world.now) + lifeMs
  const made = conversation.createInvite({
    role: (["member", "member", "moderator", "reader"] as const)[(c >>> 2) % 4]!,
    ...(uses !== undefined && { uses }),
    ...(endsAt !== undefined && { expiresAt: BEGINNING + endsAt }),
  })
  const noted = made.then(({ id, link }) => {
    const until = lifeMs === undefined ? "" : ` for ${lifeMs} ms`
    stage.trace.tell(`${device.name} invites to ${conversation.id.slice(0, 6)}${until}`)
    const about = { conversation: conversation.id, id, link, uses, endsAt }
    const way = { ...about, isSaved: false, wasRevoked: false, revocations: [] }
    stage.oracle.ways.push(way)
    stage.world.schedule(1_000, () => {
      way.isSaved = tab.process.alive && isAuthoritySaved(client, conversation.id)
    })
  })
  stage.background("invite", noted)
}

function membersOf({ info }: Conversation): ReadonlySet<string> {
  return new Set(info.get().members.map(({ user }) => user))
}
