import { check, encodeUpdate } from "@weft/sdk/protocol"
import { trusting } from "../../sdk/src/log/scenario.ts"
import { createVerifier } from "../../sync-server/src/auth/verifier.ts"
import { anyDocument, makeDevice, makeLog } from "../support/device.ts"
import { figure, type Bench } from "./figure.ts"
import { verificationsPerSecond } from "./ingest.ts"
import { realTexts } from "./real-text.ts"

const ENTRIES = 10_000
const LOGS = 10
const ROUNDS = 3

export const verify: Bench = {
  name: "verify",
  what: "entries verified a second by one core, loading in bulk, 100 entries a seal",
  exact: false,
  async run(say) {
    const rates = new Map<number, number>()
    for (const sealedTogether of [1, 10, 100]) {
      rates.set(sealedTogether, await entriesPerSecond(sealedTogether))
      say(`${sealedTogether} entries a seal: ${(rates.get(sealedTogether) ?? 0).toFixed(0)}/s`)
    }
    return figure({
      value: rates.get(100) ?? 0,
      unit: "entries/s",
      target: 100_000,
      better: "more",
      limit: verificationsPerSecond() * 100,
      notes: [
        ...Array.from(rates, ([sealed, rate]) => `${sealed} entries a seal: ${rate.toFixed(0)}/s`),
        "limit: the signatures alone",
      ],
    })
  },
}

async function entriesPerSecond(sealedTogether: number): Promise<number> {
  const document = anyDocument()
  const texts = await realTexts(ENTRIES)
  const logs = await Promise.all(Array.from({ length: LOGS }, async () => makeLog(await makeDevice(), document)))
  for (let from = 0; from < ENTRIES; from += sealedTogether) {
    await logs[(from / sealedTogether) % LOGS]?.seal(...texts.slice(from, from + sealedTogether))
  }
  const update = encodeUpdate(logs.map(({ whole }) => whole))
  const verifier = createVerifier()
  const context = trusting(document, {
    verify: (key, message, signature) => verifier.verify(key, message, signature),
    refusesKey: (key) => verifier.refusesKey(key),
  })
  const seconds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { user, system } = process.cpuUsage()
    const verdicts = await check(update, context)
    const used = process.cpuUsage({ user, system })
    const accepted = (verdicts ?? []).reduce((sum, { entries }) => sum + entries.length, 0)
    if (accepted !== ENTRIES) throw new Error(`${accepted} of ${ENTRIES} entries were accepted`)
    seconds.push((used.user + used.system) / 1e6)
  }
  return ENTRIES / Math.min(...seconds)
}
