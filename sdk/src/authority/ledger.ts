import type { Entry } from "../log/check.js"
import { certifies } from "../identity/certificate.js"
import type { Verify } from "../identity/verify.js"
import type { ControlId } from "../protocol/entry.js"
import type { ConversationId } from "../protocol/names.js"
import { type ControlAction, decodeControl } from "./control.js"
import { joinMessage } from "./invite.js"
import { projectControl, type ControlEntry, type ControlState } from "./project.js"

/** How signatures and keys are judged. */
export interface LedgerPorts {
  readonly verify: Verify
  /** Whether a device key has an order that lets several messages share a signature. */
  refusesKey(publicKey: Uint8Array): boolean
}

/** All control entries that a replica accepted of one conversation, and what they add up to. */
export interface Ledger {
  readonly state: ControlState
  /** Takes entries of the control document; duplicates and messages are passed over. True where the state changed. */
  add(entries: readonly Entry[]): Promise<boolean>
  /** The state that these entries would lead to, with nothing taken: to decide on admission. */
  preview(entries: readonly Entry[]): Promise<ControlState>
}

/** An empty ledger of a conversation. */
export function createLedger(conversation: ConversationId, ports: LedgerPorts): Ledger {
  const known = new Map<ControlId, ControlEntry>()
  let state = projectControl(conversation, [])

  async function readEntries(entries: readonly Entry[]): Promise<ControlEntry[]> {
    const fresh = entries.filter((entry) => entry.control !== undefined && !known.has(entry.control))
    return Promise.all(fresh.map((entry) => readControl(entry, conversation, ports)))
  }

  return {
    get state() {
      return state
    },
    async add(entries) {
      const fresh = await readEntries(entries)
      let added = false
      for (const entry of fresh) {
        if (known.has(entry.id)) continue
        known.set(entry.id, entry)
        added = true
      }
      if (added) state = projectControl(conversation, Array.from(known.values()))
      return added
    },
    async preview(entries) {
      const fresh = await readEntries(entries)
      return fresh.length === 0 ? state : projectControl(conversation, [...known.values(), ...fresh])
    },
  }
}

async function readControl(entry: Entry, conversation: ConversationId, ports: LedgerPorts): Promise<ControlEntry> {
  const { control, device, head, body } = entry
  if (control === undefined || body === null) throw new TypeError("not a control entry")
  const action = decodeControl(body)
  const certified = await isCertified(action, entry, conversation, ports)
  // A copy: what is kept must not keep the whole update alive.
  return { id: control, device, clock: head.clock, seen: head.seen, action, body: body.slice(), certified }
}

async function isCertified(
  action: ControlAction | undefined,
  { device, head }: Entry,
  conversation: ConversationId,
  ports: LedgerPorts,
): Promise<boolean> {
  if (action?.kind !== "introduce" && action?.kind !== "join") return false
  const { certificate } = action
  const keys = { refuses: (key: Uint8Array) => ports.refusesKey(key) }
  if (!(await certifies(certificate, device, keys, ports.verify))) return false
  if (action.kind === "introduce") return true
  const [invite] = head.seen
  if (invite === undefined || keys.refuses(action.key)) return false
  return ports.verify(action.key, joinMessage({ conversation, invite, device, user: certificate.user }), action.proof)
}
