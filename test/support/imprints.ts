import { equalBytes, parseConversationId, type UserId } from "@weft/sdk/protocol"
import { webCryptoVerify } from "../../sdk/src/identity/verify.js"
import { decodeImprint } from "../../sdk/src/sync/imprint.js"
import { Replica } from "../../sdk/src/sync/replica.js"
import type { Storage } from "../../sdk/src/storage/storage.js"
import { quickEnv } from "./quick-env.js"

const PREFIX = "f/"

/**
 * Reads all that a storage holds, and compares it with the imprints that count there. Returns how many do; throws where one
 * is not of what is stored. [SPEC S13]
 */
export async function auditImprints(storage: Storage, user: string): Promise<number> {
  const [guard, keeper, rows] = await Promise.all([
    storage.get("m/writer"),
    storage.get("m/imprints"),
    storage.scan({ from: PREFIX, to: `${PREFIX}~` }),
  ])
  if (guard === undefined || keeper === undefined || !equalBytes(guard, keeper) || rows.length === 0) return 0
  const replica = await Replica.open({
    ...{ storage, env: quickEnv, user: user as UserId, signer: await storage.keyPair() },
    verify: webCryptoVerify(crypto.subtle),
    refusesKey: () => false,
  })
  // Who is no writer reads everything.
  const stored = new Map((await replica.digests()).map(({ conversation, digest }) => [conversation, digest]))
  for (const { key, value } of rows) {
    const id = parseConversationId(key.slice(PREFIX.length))
    const imprint = id && decodeImprint(id, value)
    if (id === undefined || imprint === undefined) continue
    const digest = stored.get(id)
    if (digest === undefined || !equalBytes(digest, imprint.digest)) throw new Error(`an imprint of ${id} is not true`)
    const documents = await (await replica.conversation(id)).digests()
    for (const { name, digest: real } of documents) {
      const said = imprint.documents.get(name)?.digest
      if (said === undefined || !equalBytes(said, real)) throw new Error(`an imprint of ${name} is not true`)
    }
  }
  await replica.close()
  return rows.length
}
