import { readFileSync } from "node:fs"
import { expect, it } from "vitest"

interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
}

const script = new URL("../scripts/sim-mutants.mjs", import.meta.url)
const { mutants } = (await import(script.href)) as { mutants: readonly Mutant[] }

it.each(mutants)("a bug can be planted: $name", ({ file, find }) => {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")
  expect(source.split(find)).toHaveLength(2)
})
