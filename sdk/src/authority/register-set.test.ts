import { describe, expect, it } from "vitest"
import type { SignedRegister } from "../log/register.js"
import { clockOf } from "../protocol/entry.js"
import { encodeFrame, MAX_CLOCKS } from "../protocol/frame.js"
import type { DeviceId } from "../protocol/names.js"
import { projectControl } from "./project.js"
import { RegisterSet } from "./register-set.js"
import { deviceNamed, keyNamed, Scenario } from "./scenario.js"

const NOW = Date.UTC(2026, 0, 1)
const MINUTE_MS = 60_000
const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const nothing = { through: 0, rest: new Uint8Array(), logs: [] }
const keys = { verify: async () => true, refusesKey: () => false }

/** What a device says; the signature is the keys' to judge. */
function registerOf(device: string, aheadMs = 0, byte = 0): SignedRegister {
  const publicKey = keyNamed(device)
  const bytes = new Uint8Array(100).fill(byte)
  const clock = clockOf(NOW + aheadMs)
  return { publicKey, device: deviceNamed(device), clock, delivered: nothing, read: undefined, threads: [], bytes }
}

describe("[P3] a register", () => {
  it("is taken from a device that is introduced for a present member, and from no other", async () => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    scenario.introduce("bob#3", [scenario.base], { certified: false })
    scenario.remove("ann", "cat")
    const set = new RegisterSet(scenario.conversation)
    const take = (device: string) => set.take(registerOf(device), stateOf(scenario), NOW, keys)
    expect(await take("bob")).toBeUndefined()
    expect(await take("bob#2")).toBe("CONTROL_UNKNOWN")
    expect(await take("bob#3")).toBe("CONTROL_UNKNOWN")
    expect(await take("eve")).toBe("CONTROL_UNKNOWN")
    expect(await take("cat")).toBe("NOT_MEMBER")
    expect(Array.from(set.all, ({ device }) => device)).toEqual([deviceNamed("bob")])
  })

  it("has a clock that is not ahead, a key that may be used, and a signature that holds", async () => {
    const scenario = new Scenario({ bob: "member" })
    const set = new RegisterSet(scenario.conversation)
    const take = (aheadMs: number, judge: Partial<typeof keys> = {}) =>
      set.take(registerOf("bob", aheadMs), stateOf(scenario), NOW, { ...keys, ...judge })
    expect(await take(3 * MINUTE_MS)).toBe("CLOCK_AHEAD")
    expect(await take(63 * MINUTE_MS)).toBe("CLOCK_FAR_AHEAD")
    expect(await take(0, { refusesKey: () => true })).toBe("KEY_REFUSED")
    expect(await take(0, { verify: async () => false })).toBe("BAD_SIGNATURE")
    expect(set.size).toBe(0)
    expect(await take(MINUTE_MS)).toBeUndefined()
  })
})

describe("[P4] of one device's registers", () => {
  it("the highest clock counts, of equal ones the greater bytes; what is older is not verified", async () => {
    const scenario = new Scenario({ bob: "member" })
    const state = stateOf(scenario)
    const set = new RegisterSet(scenario.conversation)
    let verified = 0
    const counting = { ...keys, verify: async () => (verified++, true) }
    const [old, lesser, greater] = [registerOf("bob", -1), registerOf("bob", 0, 1), registerOf("bob", 0, 2)]
    expect(await set.take(lesser, state, NOW, counting)).toBeUndefined()
    expect(await set.take(greater, state, NOW, counting)).toBeUndefined()
    expect(verified).toBe(2)
    for (const stale of [old, lesser, greater]) expect(await set.take(stale, state, NOW, counting)).toBe("STALE")
    expect(verified).toBe(2)
    expect(set.get(deviceNamed("bob"))).toBe(greater)
  })

  it("the newer one stays where an older one's signature took longer", async () => {
    const scenario = new Scenario({ bob: "member" })
    const state = stateOf(scenario)
    const set = new RegisterSet(scenario.conversation)
    let release = (): void => undefined
    const held = new Promise<boolean>((resolve) => (release = () => resolve(true)))
    const slow = set.take(registerOf("bob", -1), state, NOW, { ...keys, verify: () => held })
    const newer = registerOf("bob")
    expect(await set.take(newer, state, NOW, keys)).toBeUndefined()
    release()
    expect(await slow).toBe("STALE")
    expect(set.get(deviceNamed("bob"))).toBe(newer)
  })

  it("those of who left go, and the digest is that of what there is, in whatever order it came", async () => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    const [one, other] = [new RegisterSet(scenario.conversation), new RegisterSet(scenario.conversation)]
    expect(one.digest).toBeUndefined()
    const [bob, cat] = [registerOf("bob"), registerOf("cat")]
    for (const register of [bob, cat]) await one.take(register, stateOf(scenario), NOW, keys)
    for (const register of [cat, bob]) await other.take(register, stateOf(scenario), NOW, keys)
    expect(one.digest).toEqual(other.digest)
    scenario.remove("ann", "cat")
    expect(one.prune(stateOf(scenario))).toEqual([deviceNamed("cat")])
    expect(one.prune(stateOf(scenario))).toEqual([])
    const alone = new RegisterSet(scenario.conversation)
    alone.restore(bob)
    expect(one.digest).toEqual(alone.digest)
    expect(one.digest).not.toEqual(other.digest)
  })
})

it("[P5] says what it holds of as many registers as a frame takes", () => {
  const { conversation } = new Scenario({})
  const set = new RegisterSet(conversation)
  const register = registerOf("ann")
  for (let count = 0; count <= MAX_CLOCKS; count++) {
    set.restore({ ...register, device: String(count).padStart(24, "A") as DeviceId })
  }
  const items = set.clocks
  expect([items.length, set.beyond(items).length]).toEqual([MAX_CLOCKS, 1])
  encodeFrame({ kind: "clocks", conversation, reply: true, items })
})
