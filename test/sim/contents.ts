import {
  decodeRegister,
  hex,
  parseDocumentName,
  readContents,
  sha256,
  type AccountName,
  type Contents,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type SignedRegister,
} from "@weft/sdk/protocol"
import { documentOfKey, documentPrefix, registerPrefix, updatePrefix } from "../../sdk/src/log/keys.js"
import { digestKey, parseKey, registerRange, stateVectorRange, updateRange } from "../../sync-server/src/store/keys.js"
import type { Disk } from "./disk.js"

/** What a disk holds of each document. */
export type Holdings = ReadonlyMap<DocumentName, Contents>

/** Documents that a device has on its disk. */
export function deviceDocuments(disk: Disk): DocumentName[] {
  return disk.range(documentPrefix, "d0").flatMap(([key]) => parseDocumentName(documentOfKey(key))?.name ?? [])
}

export function deviceHoldings(disk: Disk): Holdings {
  const away = awayDocuments(disk)
  const names = deviceDocuments(disk).filter((name) => !away.has(name))
  return holdings(names, (name) => disk.range(updatePrefix(name), `${updatePrefix(name)}~`).map(([, value]) => value))
}

/** Those of which a device has the summary alone. [SPEC U15] */
export function awayDocuments(disk: Disk): ReadonlySet<DocumentName> {
  const isAway = (name: DocumentName): boolean =>
    disk.range(updatePrefix(name), `${updatePrefix(name)}~`).some(([, value]) => value.length === 0)
  return new Set(deviceDocuments(disk).filter(isAway))
}

export function serverHoldings(disk: Disk): Holdings {
  return holdings(serverDocuments(disk), (name) => updatesOn(disk, name))
}

/** Documents that a server has on its disk. */
export function serverDocuments(disk: Disk): DocumentName[] {
  return disk.range(latin1(stateVectorRange.gte), latin1(stateVectorRange.lt)).flatMap(([key]) => {
    const parsed = parseKey(new Uint8Array(Buffer.from(key, "latin1")))
    return parsed !== undefined && "document" in parsed ? (parseDocumentName(parsed.document)?.name ?? []) : []
  })
}

/** What a server would have of a document if its power went now; undefined where part of that can't be told. */
export function durableOn(disk: Disk, name: DocumentName): Contents | undefined {
  const { gte, lt } = updateRange(name)
  return disk.isSynced(latin1(gte), latin1(lt)) ? readContents(updatesOn(disk, name)) : undefined
}

/** Receipt registers on the disk of a device or a server, by the device that they are of. [SPEC P] */
export function registersOf(disk: Disk, id: ConversationId): Map<DeviceId, SignedRegister> {
  const { gte, lt } = registerRange(id)
  return registersAmong([
    ...disk.range(registerPrefix(id), `${registerPrefix(id)}~`),
    ...disk.range(latin1(gte), latin1(lt)),
  ])
}

function registersAmong(entries: ReturnType<Disk["range"]>): Map<DeviceId, SignedRegister> {
  const registers = entries.flatMap(([, value]) => decodeRegister(value) ?? [])
  return new Map(registers.map((register) => [register.device, register]))
}

/** The digest under which a server's disk has an account; undefined where it has none. [SPEC U3] */
export function accountDigestOn(disk: Disk, account: AccountName): Uint8Array | undefined {
  return disk.get(latin1(digestKey(account)))
}

function updatesOn(disk: Disk, name: DocumentName): Uint8Array[] {
  const { gte, lt } = updateRange(name)
  return disk.range(latin1(gte), latin1(lt)).map(([, value]) => value)
}

function holdings(names: readonly DocumentName[], updatesOf: (name: DocumentName) => Uint8Array[]): Holdings {
  const found = new Map<DocumentName, Contents>()
  for (const name of names) {
    const contents = readContents(updatesOf(name))
    if (contents.size > 0) found.set(name, contents)
  }
  return found
}

/** Why two replicas do not hold the same; undefined: they do. A hole counts as whatever was there. [SPEC X4] */
export function difference(one: Contents | undefined, other: Contents | undefined): string | undefined {
  for (const [client, run] of other ?? []) if (one?.get(client) === undefined) return `the log ${run.log}`
  for (const [client, run] of one ?? []) {
    const elements = other?.get(client)?.elements
    if (elements?.length !== run.elements.length) {
      return `the length of ${run.log}: ${run.elements.length} and ${elements?.length ?? 0}`
    }
    const at = run.elements.findIndex((mine, index) => {
      const theirs = elements[index]
      return mine !== null && theirs !== null && theirs !== undefined && hex(sha256(mine)) !== hex(sha256(theirs))
    })
    if (at >= 0) return `${run.log} at ${at}`
  }
  return undefined
}

/** Whether any value on the disk holds these bytes. */
export function holdsText(disk: Disk, text: string): string | undefined {
  const needle = Buffer.from(text)
  for (const [key, value] of disk.image()) {
    if (Buffer.from(value.buffer, value.byteOffset, value.length).includes(needle)) return key
  }
  return undefined
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
}
