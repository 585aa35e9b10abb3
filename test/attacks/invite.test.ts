/* What a link does not do for those who should not come in. [SPEC A19] */
import {
  type ControlAction,
  type ControlId,
  INVITE_SECRET_BYTES,
  inviteKey,
  joinMessage,
  type RefusalCode,
  type Role,
  signJoin,
  type UserId,
} from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { RawClient } from "../support/raw-client.js"
import { openArena, type Arena } from "./arena.js"

const secretOf = (fill: number): Uint8Array => new Uint8Array(INVITE_SECRET_BYTES).fill(fill)
const secret = secretOf(7)

interface InviteOptions {
  readonly role?: Role
  readonly uses?: number
  readonly expires?: number
}

async function invitation({ role = "member", uses = 0, expires = 0 }: InviteOptions = {}): Promise<ControlAction> {
  return { kind: "invite", key: await inviteKey(secret), role, uses, expires }
}

const invite = async ({ alice, trip }: Arena, options?: InviteOptions): Promise<ControlId> =>
  trip.govern(alice, await invitation(options))

interface JoinOptions {
  /** Whose device the proof names; by default the joiner's own. */
  readonly proofFor?: RawClient
  readonly secret?: Uint8Array
  readonly certificateOf?: RawClient
  /** Who brings it; by default the joiner. */
  readonly via?: RawClient
  readonly seen?: readonly ControlId[]
}

async function sealJoin(
  { trip }: Arena,
  joiner: RawClient,
  name: ControlId,
  options: JoinOptions = {},
): ReturnType<Arena["trip"]["sealControl"]> {
  const { proofFor = joiner, certificateOf = joiner, seen = [name] } = options
  const key = options.secret ?? secret
  const claim = { conversation: trip.id, invite: name, device: proofFor.device.id, user: proofFor.user as UserId }
  const { certificate } = certificateOf
  const action: ControlAction = {
    kind: "join",
    certificate,
    key: await inviteKey(key),
    proof: await signJoin(key, claim),
  }
  // Each opens a log.
  return trip.sealControl({ device: { ...joiner.device } }, action, seen)
}

async function join(
  arena: Arena,
  joiner: RawClient,
  name: ControlId,
  options: JoinOptions = {},
): Promise<RefusalCode[]> {
  const { trip } = arena
  const { run, id } = await sealJoin(arena, joiner, name, options)
  const codes = await (options.via ?? joiner).push(trip.made.control, run)
  if (codes.length === 0) trip.heads = [...trip.heads.filter((head) => head !== name), id]
  return codes
}

const connect = (arena: Arena, user: string): Promise<RawClient> => RawClient.connect(arena.server.url, { user })

async function reads(arena: Arena, client: RawClient): Promise<boolean> {
  return (await client.fetch(arena.segment)).updates.length > 0
}

it("[A19] a stranger with a link comes in, reads and writes at once", async () => {
  const arena = await openArena()
  const { alice, trip, segment } = arena
  await alice.push(segment, await trip.log(alice).seal(trip.message("hello")))
  const name = await invite(arena)
  const eve = await connect(arena, "eve")
  expect(await reads(arena, eve)).toBe(false)
  expect(await join(arena, eve, name)).toEqual([])
  await eve.connection.next("documents", ({ conversation }) => conversation === trip.id)
  expect(await reads(arena, eve)).toBe(true)
  await alice.connection.next("update", ({ document }) => document === trip.made.control)
  await arena.honest()
})

it("[A19] a forged join lets nobody in: another key, another's proof, another's certificate, another past", async () => {
  const arena = await openArena()
  const name = await invite(arena)
  const eve = await connect(arena, "eve")
  const dan = await connect(arena, "dan")
  // One device each, since a refused entry ends its log.
  expect(await join(arena, eve, name, { secret: secretOf(8) })).toEqual(["INVITE_VOID"])
  expect(await join(arena, await connect(arena, "eve"), name, { proofFor: dan })).toEqual(["KEY_REFUSED"])
  expect(await join(arena, await connect(arena, "eve"), name, { certificateOf: dan })).toEqual(["FORBIDDEN"])
  const other = await connect(arena, "fay")
  expect(await join(arena, other, name, { seen: [arena.trip.made.created] })).toEqual(["KEY_REFUSED"])
  for (const stranger of [eve, dan, other]) expect(await reads(arena, stranger)).toBe(false)
  await arena.honest()
})

it("[A19] the proof is for one device of one user: who overhears a join can't use it", async () => {
  const arena = await openArena()
  const name = await invite(arena)
  const eve = await connect(arena, "eve")
  const { trip } = arena
  const claim = { conversation: trip.id, invite: name, device: eve.device.id, user: "eve" as UserId }
  const overheard = await signJoin(secret, claim)
  const thief = await connect(arena, "thief")
  const action: ControlAction = {
    kind: "join",
    certificate: thief.certificate,
    key: await inviteKey(secret),
    proof: overheard,
  }
  const { run } = await trip.sealControl(thief, action, [name])
  expect(await thief.push(trip.made.control, run)).toEqual(["KEY_REFUSED"])
  expect(joinMessage(claim)).not.toEqual(joinMessage({ ...claim, device: thief.device.id }))
  expect(await reads(arena, thief)).toBe(false)
  await arena.honest()
})

it("[A19] an invite that expired by the server's clock lets nobody in", async () => {
  const arena = await openArena()
  const name = await invite(arena, { expires: Date.now() - 1 })
  expect(await join(arena, await connect(arena, "eve"), name)).toEqual(["INVITE_EXPIRED"])
  await arena.honest()
})

it("[A19] an invite that was used up lets nobody in, and a second device takes no place", async () => {
  const arena = await openArena()
  const name = await invite(arena, { uses: 1 })
  expect(await join(arena, await connect(arena, "eve"), name)).toEqual([])
  const dan = await connect(arena, "dan")
  expect(await join(arena, dan, name)).toEqual(["INVITE_USED_UP"])
  expect(await reads(arena, dan)).toBe(false)
  await arena.honest()
})

it("[A19] of two joins of a device that come together the one written last lets in, and the other takes no place", async () => {
  const arena = await openArena()
  const { trip } = arena
  const first = await invite(arena, { role: "reader", uses: 1 })
  const last = await invite(arena, { uses: 1 })
  const eve = await connect(arena, "eve")
  const joins = [await sealJoin(arena, eve, first), await sealJoin(arena, eve, last)]
  expect(await eve.push(trip.made.control, ...joins.map(({ run }) => run))).toEqual(["INVITE_VOID"])
  expect(await join(arena, await connect(arena, "dan"), last)).toEqual(["INVITE_USED_UP"])
  expect(await join(arena, await connect(arena, "dan"), first)).toEqual([])
  await arena.honest()
})

it("[A19] a join by an invite that a server does not know keeps another one beside it from nothing", async () => {
  const arena = await openArena()
  const { alice, trip, segment } = arena
  await alice.push(segment, await trip.log(alice).seal(trip.message("hello")))
  const known = await invite(arena)
  const eve = await connect(arena, "eve")
  const joins = [await sealJoin(arena, eve, "nobodynobodynobodynobody" as ControlId), await sealJoin(arena, eve, known)]
  expect(await eve.push(trip.made.control, ...joins.map(({ run }) => run))).toEqual(["CONTROL_UNKNOWN"])
  expect(await reads(arena, eve)).toBe(true)
  await arena.honest()
})

it("[A19] a revoked invite lets nobody in, brought by an accomplice neither", async () => {
  const arena = await openArena()
  const { alice, mallory, trip } = arena
  const name = await invite(arena)
  await trip.govern(alice, { kind: "revoke", invite: name })
  expect(await join(arena, await connect(arena, "eve"), name)).toEqual(["INVITE_REVOKED"])
  const dan = await connect(arena, "dan")
  expect(await join(arena, dan, name, { via: mallory })).toEqual([])
  expect(await reads(arena, dan)).toBe(false)
  await arena.honest()
})

it("[A19] a member without the right invites nobody", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const { run, id } = await trip.sealControl(mallory, await invitation())
  expect(await mallory.push(trip.made.control, run)).toEqual(["ROLE_TOO_LOW"])
  expect(await join(arena, await connect(arena, "eve"), id)).toEqual(["FORBIDDEN"])
  await arena.honest()
})

it("[A19] nobody gets a higher role by a link: not an owner's, and not by joining again", async () => {
  const arena = await openArena()
  const { alice, trip, mallory } = arena
  const owner = await trip.sealControl(alice, await invitation({ role: "owner" }))
  expect(await alice.push(trip.made.control, owner.run)).toEqual(["ROLE_TOO_LOW"])
  const second = await RawClient.connect(arena.server.url, { user: "alice" })
  await trip.introduce(second)
  const name = await trip.govern(second, await invitation({ role: "admin" }))
  const escalating = await connect(arena, "mallory")
  expect(await join(arena, escalating, name)).toEqual(["INVITE_VOID"])
  const policy = await trip.sealControl(mallory, { kind: "title", title: "mine now" })
  expect(await mallory.push(trip.made.control, policy.run)).toEqual(["ROLE_TOO_LOW"])
})

it("[A19] a link brings nobody back who was removed", async () => {
  const arena = await openArena()
  const { alice, trip, mallory } = arena
  const name = await invite(arena)
  await trip.govern(alice, { kind: "remove", user: "mallory" as UserId, cut: new Map() })
  const again = await connect(arena, "mallory")
  expect(await join(arena, again, name)).toEqual(["PAST_CUT"])
  expect(await reads(arena, again)).toBe(false)
  const back = await trip.sealControl(mallory, { kind: "return" })
  expect(await mallory.push(trip.made.control, back.run)).toEqual([])
  expect(await reads(arena, mallory)).toBe(false)
  await arena.honest()
})

it("[A19] who comes by an invite of one who is removed meanwhile is out, and nothing they wrote stays", async () => {
  const arena = await openArena()
  const { alice, bob, trip, segment } = arena
  await trip.govern(alice, { kind: "role", user: "bob" as UserId, role: "admin" })
  const before = trip.heads
  const name = await trip.govern(bob, await invitation())
  const eve = await connect(arena, "eve")
  expect(await join(arena, eve, name)).toEqual([])
  const run = await trip.log(eve).seal(trip.message("hi"))
  expect(await eve.push(segment, run)).toEqual([])
  expect(await reads(arena, alice)).toBe(true)
  await trip.govern(alice, { kind: "remove", user: "bob" as UserId, cut: new Map() }, before)
  // Nobody keeps it, and eve is told why.
  expect(await reads(arena, alice)).toBe(false)
  expect(await reads(arena, eve)).toBe(false)
  expect((await eve.fetch(trip.made.control)).updates.length).toBeGreaterThan(0)
  expect(await eve.push(segment, run)).toEqual(["NOT_MEMBER"])
})
