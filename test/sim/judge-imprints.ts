import {
  compareText,
  digestOf,
  documentParts,
  equalBytes,
  parseConversationId,
  registersDigest,
  rootDigestOf,
  type DocumentName,
} from "@weft/sdk/protocol"
import { GUARD_KEY, imprintPrefix, IMPRINTS_KEY } from "../../sdk/src/log/keys.js"
import { createMemoryStorage } from "../../sdk/src/storage/memory.js"
import { decodeImprint } from "../../sdk/src/sync/imprint.js"
import { ImprintKeeper } from "../../sdk/src/sync/imprint-keeper.js"
import { StoredDocument } from "../../sdk/src/sync/stored-document.js"
import { deviceDocuments, registersOf } from "./contents.js"
import type { Disk } from "./disk.js"
import { Violation } from "./oracle.js"
import type { Stage } from "./stage.js"

/** At any moment, what is on a device's disk is what its imprints say of it: else it would be taken for all there is. [SPEC S13] */
export async function judgeImprints({ devices }: Stage): Promise<void> {
  for (const { name, disk } of devices) {
    const [guard, keeper] = [disk.get(GUARD_KEY), disk.get(IMPRINTS_KEY)]
    if (guard === undefined || keeper === undefined || !equalBytes(guard, keeper)) continue
    const rows = disk.range(imprintPrefix, `${imprintPrefix}~`)
    const all = rows.length === 0 ? [] : await digestsOn(disk)
    for (const [key, value] of rows) {
      const id = parseConversationId(key.slice(imprintPrefix.length))
      const imprint = id && decodeImprint(id, value)
      if (id === undefined || imprint === undefined) continue
      const documents = all.filter(({ name: of }) => documentParts(of).conversation === id)
      const registers = Array.from(registersOf(disk, id).values())
      const real = rootDigestOf(id, documents, registers.length === 0 ? undefined : registersDigest(id, registers))
      const says = Array.from(imprint.documents, ([of, { digest }]) => ({ name: of, digest }))
      if (equalBytes(real, imprint.digest) && sameDigests(documents, says)) continue
      throw new Violation("I6", `${name} has an imprint of ${id.slice(0, 6)} that is not of what it has on its disk`)
    }
  }
}

interface Digest {
  readonly name: DocumentName
  readonly digest: Uint8Array
}

async function digestsOn(disk: Disk): Promise<Digest[]> {
  const storage = createMemoryStorage({
    snapshot: { entries: disk.image().map(([key, value]) => ({ key, value })), keyPair: undefined },
  })
  const digests: Digest[] = []
  for (const name of deviceDocuments(disk)) {
    const imprint = new ImprintKeeper(documentParts(name).conversation, () => undefined)
    const summary = await new StoredDocument(name, { storage, imprint, guard: () => undefined }).read()
    if (summary.logs.size + summary.records.size > 0) digests.push({ name, digest: digestOf(summary) })
  }
  return digests
}

function sameDigests(one: readonly Digest[], other: readonly Digest[]): boolean {
  const sorted = [one, other].map((digests) => [...digests].sort((a, b) => compareText(a.name, b.name)))
  const [mine = [], theirs = []] = sorted
  return (
    mine.length === theirs.length &&
    mine.every(({ name, digest }, index) => {
      const item = theirs[index]
      return item?.name === name && equalBytes(item.digest, digest)
    })
  )
}
