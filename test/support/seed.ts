import * as prng from "lib0/prng"

/** Numbers for one random test, the same for the same seed. */
export interface Random {
  readonly seed: number
  /** From 0 up to, without, `limit`. */
  below(limit: number): number
  /** True once in `n` times. */
  oneIn(n: number): boolean
  pick<T>(list: readonly T[]): T
  bytes(length: number): Uint8Array
}

/** Prints its seed; WEFT_SEED=n repeats a run. */
export function seededRandom(test: string, given = process.env["WEFT_SEED"]): Random {
  const seed = given === undefined ? crypto.getRandomValues(new Uint32Array(1))[0]! : Number(given)
  console.log(`${test}: WEFT_SEED=${seed}`)
  return randomOf(seed)
}

/** The same without a word: for the rounds of a test that prints its own seed. */
export function randomOf(seed: number): Random {
  const generator = prng.create(seed)
  return {
    seed,
    below: (limit) => Math.floor(generator.next() * limit),
    oneIn: (n) => generator.next() * n < 1,
    pick: (list) => list[Math.floor(generator.next() * list.length)]!,
    bytes: (length) => prng.uint8Array(generator, length),
  }
}
