import { expect, it } from "vitest"
import { randomOf } from "../support/seed.js"
import { playRound, roundSeed } from "./round.js"

/** `WEFT_ROUNDS=1000` plays as many; `WEFT_SEED=n` plays that one round again. */
const rounds = Number(process.env["WEFT_ROUNDS"] ?? 100)

it(
  "[C6, C9, C11, D3, X4, E4] whatever happens, replicas agree, and nothing honest is refused",
  { timeout: 60_000 + rounds * 2_000 },
  async () => {
    const one = process.env["WEFT_SEED"]
    const first = one === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(one)
    let messages = 0
    let erased = 0
    let logs = 0
    for (let round = 0; round < (one === undefined ? rounds : 1); round++) {
      const seed = round === 0 ? first : roundSeed(first, round)
      try {
        const report = await playRound(randomOf(seed))
        messages += report.messages
        erased += report.erased
        logs += report.logs
      } catch (error) {
        throw new Error(`round ${round} failed; WEFT_SEED=${seed} plays it again`, { cause: error })
      }
    }
    console.log(`${rounds} rounds from seed ${first}: ${messages} messages, ${erased} erased, ${logs} logs`)
    expect(messages).toBeGreaterThan(0)
  },
)
