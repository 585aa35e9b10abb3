import {
  compactNative,
  digestOfNative,
  emptyNativeSummary,
  encodeNative,
  encodeNativeVector,
  judgeNative,
  readNative,
  splitNative,
  type AccountName,
} from "@weft/sdk/protocol"
import type { Mended } from "../store/store.js"
import { isDamage } from "./damage.js"
import { unlessUnreadable, type RepairPorts } from "./repair.js"
import { readAccount } from "./stored-account.js"

/** The same for accounts as `repairDocuments` for documents. [SPEC R7] */
export async function repairAccounts({ store, log, breathe, keep }: Omit<RepairPorts, "verifier">): Promise<number> {
  let repaired = 0
  for (const { account, digest } of await store.accountDigests()) {
    await breathe()
    try {
      await store.load(account)
      const { summary } = readAccount(await store.updates(account))
      // The last updates may be gone.
      if (!Buffer.from(digestOfNative(account, summary)).equals(digest)) throw new RangeError("not what was written")
    } catch (error) {
      if (!isDamage(error)) throw error
      const cutDown = async (): Promise<void> => {
        const updates = await store.updates(account)
        await keep(account, updates)
        const rest = salvage(updates)
        await store.mend(account, rest.length === 0 ? undefined : mended(account, rest))
        log.warn(
          { err: error, document: account, updates: rest.length },
          "a damaged account was cut down to what can be read",
        )
      }
      if (await unlessUnreadable(account, log, cutDown)) repaired++
    }
  }
  return repaired
}

/** Updates that can be read, and build on nothing that is lost. [SPEC U4] */
function salvage(updates: readonly Uint8Array[]): Uint8Array[] {
  let held = emptyNativeSummary
  return updates.flatMap((bytes) => {
    const update = readNative(bytes)
    const verdict = update && judgeNative(update, held)
    if (verdict?.kind !== "accepted" || verdict.fresh === undefined) return []
    held = verdict.summary
    return splitNative(verdict.fresh, Infinity)
  })
}

function mended(account: AccountName, updates: readonly Uint8Array[]): Mended {
  const { contents, summary } = readAccount(updates)
  return {
    update: encodeNative(compactNative(contents)),
    summary: new Uint8Array(),
    digest: digestOfNative(account, summary),
    stateVector: encodeNativeVector(summary.vector),
  }
}
