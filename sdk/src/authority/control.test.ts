import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Certificate } from "../identity/certificate.js"
import { base64url } from "../protocol/bytes.js"
import type { Content } from "../protocol/content.js"
import { encodeBody } from "../protocol/entry.js"
import {
  MAX_BODY_BYTES,
  MAX_CONTROL_ITEMS,
  MAX_INVITE_USES,
  MAX_SEGMENT,
  MAX_TITLE_BYTES,
  MAX_TOPIC_BYTES,
} from "../protocol/limits.js"
import { type LogId, logIdFromBytes, parseUserId, type UserId } from "../protocol/names.js"
import { type ControlAction, decodeControl, encodeControl } from "./control.js"
import { type Cut, decodeCut, encodeCut } from "./cut.js"
import { MAX_TRUST_KEYS } from "./fields.js"

const seed = Number(process.env.WEFT_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.info(`control.test: WEFT_SEED=${String(seed)}`)
const runs = { seed, numRuns: 300 }
const salt = new Uint8Array(12).fill(7)

function withByte(given: Uint8Array, at: number, value: number): Uint8Array {
  const changed = given.slice()
  changed[at] = value
  return changed
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const user = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 20 })
  .filter((text) => parseUserId(text) !== undefined)
const role = fc.constantFrom("owner", "admin", "moderator", "member", "reader")
const title = fc.string({ unit: "grapheme", maxLength: 40 })
const trust = (minLength: number) => fc.uniqueArray(bytes(32), { minLength, maxLength: 5, selector: String })
const log = bytes(21).map(logIdFromBytes)
const position = fc.integer({ min: 1, max: 2 ** 40 })
const cut: fc.Arbitrary<Cut> = fc
  .uniqueArray(
    fc.tuple(
      fc.integer({ min: 1, max: MAX_SEGMENT }),
      fc.uniqueArray(fc.tuple(log, position), { minLength: 1, maxLength: 6, selector: ([name]) => name }),
    ),
    { maxLength: 5, selector: ([segment]) => segment },
  )
  .map((segments) => new Map(segments.map(([segment, logs]) => [segment, new Map(logs)])))
const certificate = fc.record({
  user: user as fc.Arbitrary<UserId>,
  publicKey: bytes(32),
  issuedAt: fc.nat(2 ** 31),
  issuer: bytes(32),
  signature: bytes(64),
})
const action = fc.oneof(
  fc
    .tuple(
      fc.uniqueArray(fc.tuple(user, role), { minLength: 1, maxLength: 9, selector: ([name]) => name }),
      title,
      trust(0),
    )
    .map(([[creator, ...members], text, keys]) => ({
      kind: "create",
      user: creator?.[0],
      title: text,
      trust: keys,
      members: members.map(([name, as]) => ({ user: name, role: as })),
    })),
  fc.record({ kind: fc.constant("introduce"), certificate }),
  fc.record({ kind: fc.constantFrom("add", "role"), user, role }),
  fc.record({ kind: fc.constant("remove"), user, cut }),
  fc.record({ kind: fc.constant("title"), title }),
  fc.record({ kind: fc.constant("policy"), trust: trust(1) }),
  fc.uniqueArray(user, { minLength: 2, maxLength: 2 }).map(([creator, other]) => ({
    kind: "create",
    user: creator,
    title: "",
    trust: [],
    members: [{ user: other, role: "owner" }],
    direct: true,
  })),
  fc.record({ kind: fc.constant("return") }),
  fc.record({ kind: fc.constant("topic"), topic: title }),
  fc.record({ kind: fc.constant("announce"), on: fc.boolean() }),
  fc.record({
    kind: fc.constant("pin"),
    message: fc.record({
      segment: fc.integer({ min: 1, max: MAX_SEGMENT }),
      device: bytes(18).map(base64url),
      hash: bytes(24).map(base64url),
    }),
    on: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("invite"),
    key: bytes(32),
    role,
    uses: fc.integer({ min: 0, max: MAX_INVITE_USES }),
    expires: fc.nat(2 ** 31),
  }),
  fc.record({ kind: fc.constant("revoke"), invite: bytes(18).map(base64url) }),
  fc.record({ kind: fc.constant("join"), certificate, key: bytes(32), proof: bytes(64) }),
) as fc.Arbitrary<ControlAction>

describe("control bodies", () => {
  test("[A3] what is written is read", () => {
    fc.assert(
      fc.property(action, (given) => {
        expect(decodeControl(encodeControl(given, salt))).toEqual(given)
      }),
      runs,
    )
  })

  test("[A3] changed bytes are undefined, or the one encoding of what is read", () => {
    fc.assert(
      fc.property(action, fc.nat(), fc.nat(255), fc.nat(3), (given, at, value, how) => {
        const body = encodeControl(given, salt)
        const place = at % body.length
        const changed =
          how === 0
            ? body.slice(0, place)
            : how === 1
              ? Uint8Array.of(...body, value)
              : how === 2
                ? Uint8Array.of(...body.slice(0, place), value, ...body.slice(place))
                : withByte(body, place, value)
        const read = decodeControl(changed)
        if (read !== undefined) expect(encodeControl(read, changed.slice(1, 13))).toEqual(changed)
      }),
      runs,
    )
  })

  test("[A3] any bytes are read without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        decodeControl(random)
        decodeControl(Uint8Array.of(2, ...salt, 118, 2, 1, 107, 119, ...random))
        decodeCut(random)
      }),
      runs,
    )
  })

  const bob = "bob" as UserId
  const key = new Uint8Array(32)
  const wellMade = { k: "add", user: "bob", role: "member" }
  const create = { k: "create", user: "bob", title: "", trust: [], members: [] }
  const direct = { ...create, members: [["eve", "owner"]], direct: true }
  const pin = { k: "pin", segment: 1, device: new Uint8Array(18), hash: new Uint8Array(24), on: true }
  const invite = { k: "invite", key, role: "member", uses: 1, expires: 0 }
  test.each<[string, Record<string, Content>]>([
    ["an unknown kind", { ...wellMade, k: "promote" }],
    ["no kind", { user: "bob", role: "member" }],
    ["a field too many", { ...wellMade, by: "eve" }],
    ["a field too few", { k: "add", user: "bob" }],
    ["an unknown role", { ...wellMade, role: "king" }],
    ["a role of the prototype", { ...wellMade, role: "toString" }],
    ["an ill-typed user", { ...wellMade, user: 7 }],
    ["an empty user", { ...wellMade, user: "" }],
    ["a user with a line break", { ...wellMade, user: "bob\n" }],
    ["an overlong title", { k: "title", title: "x".repeat(MAX_TITLE_BYTES + 1) }],
    ["a title of null", { k: "title", title: null }],
    ["a policy without keys", { k: "policy", trust: [] }],
    ["a short key", { k: "policy", trust: [new Uint8Array(31)] }],
    ["a key twice", { k: "policy", trust: [key, key.slice()] }],
    [
      "too many keys",
      { k: "policy", trust: Array.from({ length: MAX_TRUST_KEYS + 1 }, (_, at) => withByte(key, 0, at)) },
    ],
    ["the creator among the members", { ...create, members: [["bob", "member"]] }],
    [
      "a member twice",
      {
        ...create,
        members: [
          ["eve", "member"],
          ["eve", "admin"],
        ],
      },
    ],
    ["a member of three parts", { ...create, members: [["eve", "member", 1]] }],
    ["members that are a map", { ...create, members: new Map() }],
    ["a certificate that is none", { k: "introduce", certificate: key }],
    ["a cut that is none", { k: "remove", user: "bob", cut: Uint8Array.of(1) }],
    ["a cut that is a list", { k: "remove", user: "bob", cut: [] }],
    ["a direct conversation of three", { ...direct, members: [...direct.members, ["fay", "owner"]] }],
    ["a direct conversation of one", { ...direct, members: [] }],
    ["a direct conversation of unequals", { ...direct, members: [["eve", "member"]] }],
    ["a conversation that says it is not direct", { ...direct, direct: false }],
    ["a return with a role", { k: "return", role: "owner" }],
    ["an overlong topic", { k: "topic", topic: "x".repeat(MAX_TOPIC_BYTES + 1) }],
    ["an announcement that is neither on nor off", { k: "announce", on: 1 }],
    ["a pin in segment 0", { ...pin, segment: 0 }],
    ["a pin of half a message", { ...pin, hash: new Uint8Array(23) }],
    ["an invite with a short key", { ...invite, key: new Uint8Array(31) }],
    ["an invite for less than nobody", { ...invite, uses: -1 }],
    ["an invite for too many", { ...invite, uses: MAX_INVITE_USES + 1 }],
    ["an invite for half a person", { ...invite, uses: 0.5 }],
    ["an invite without a role", { ...invite, role: "guest" }],
    ["a revocation of a name that is none", { k: "revoke", invite: new Uint8Array(17) }],
    ["a join without a certificate", { k: "join", certificate: key, key, proof: new Uint8Array(64) }],
  ])("[A3] %s makes an entry void", (_, fields) => {
    const limits = { depth: 8, items: MAX_CONTROL_ITEMS }
    for (const good of [wellMade, create, direct, pin, invite]) {
      expect(decodeControl(encodeBody(salt, new Map<string, Content>(Object.entries(good)), limits))).toBeDefined()
    }
    expect(decodeControl(encodeBody(salt, new Map(Object.entries(fields)), limits))).toBeUndefined()
  })

  test("[A3] other content than a map is void", () => {
    for (const content of [null, "add", 1, ["k", "add"]]) {
      expect(decodeControl(encodeBody(salt, content))).toBeUndefined()
    }
  })

  test("[A3] what could not be read is not written", () => {
    const bad = [
      { kind: "title", title: "x".repeat(MAX_TITLE_BYTES + 1) },
      { kind: "add", user: "" as UserId, role: "member" },
      { kind: "policy", trust: [] },
      { kind: "remove", user: bob, cut: new Map([[0, new Map([[logIdFromBytes(new Uint8Array(21)), 1]])]]) },
      { kind: "introduce", certificate: { user: bob, publicKey: key } as Certificate },
    ] as const
    for (const action of bad) expect(() => encodeControl(action, salt)).toThrow()
  })
})

describe("cuts", () => {
  const name = (at: number): LogId => logIdFromBytes(withByte(withByte(new Uint8Array(21), 0, at >> 8), 1, at & 255))

  test("[A12] a cut of 2,500 logs fits in one body", () => {
    const logs = new Map(Array.from({ length: 2_500 }, (_, at) => [name(at), 2_000 + at] as const))
    const body = encodeControl({ kind: "remove", user: "u".repeat(128) as UserId, cut: new Map([[1, logs]]) }, salt)
    expect(body.length).toBeLessThan(MAX_BODY_BYTES)
    expect(decodeControl(body)).toMatchObject({ cut: new Map([[1, logs]]) })
  })

  const [a, b] = [name(1), name(2)]
  const one = encodeCut(new Map([[1, new Map([[a, 5]])]]))
  const two = encodeCut(new Map([[2, new Map([[a, 5]])]]))
  const pair = encodeCut(new Map([[1, new Map([[b, 5], [a, 6]])]])) // prettier-ignore
  test.each([
    ["segments out of order", Uint8Array.of(...two, ...one)],
    ["a segment twice", Uint8Array.of(...one, ...one)],
    ["segment 0", withByte(one, 0, 0)],
    ["no logs", Uint8Array.of(1, 0)],
    ["a position of 0", withByte(one, one.length - 1, 0)],
    ["a longer form of a number", Uint8Array.of(...one.slice(0, -1), 0x85, 0)],
    ["logs out of order", Uint8Array.of(1, 2, ...pair.slice(23, 44), ...pair.slice(2, 23), 5, 6)],
    ["a log twice", Uint8Array.of(1, 2, ...pair.slice(2, 23), ...pair.slice(2, 23), 5, 5)],
    ["a count beyond the bytes", Uint8Array.of(1, 255, 255, 255, 15)],
    ["missing bytes", one.slice(0, -1)],
  ])("[A12] %s is refused", (_, bad) => {
    expect(decodeCut(pair)?.get(1)?.get(b)).toBe(5)
    expect(decodeCut(bad)).toBeUndefined()
  })

  test("[A12] the empty cut keeps nothing", () => {
    expect(decodeCut(new Uint8Array(0))).toEqual(new Map())
  })
})
