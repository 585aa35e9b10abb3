import { expect, it } from "vitest"
import {
  closeCode,
  isTransient,
  refusalCode,
  refusalNumber,
  refusalOfClose,
  refusals,
  type RefusalCode,
} from "./codes.js"

const codes = Object.keys(refusals) as RefusalCode[]

it("[R1] each code has a number of its own below 100", () => {
  const numbers = codes.map(refusalNumber)
  expect(new Set(numbers).size).toBe(codes.length)
  for (const code of codes) expect(refusalCode(refusalNumber(code))).toBe(code)
  expect(numbers.every((number) => number > 0 && number < 100)).toBe(true)
  expect(refusalCode(99)).toBeUndefined()
})

it("[S9] close codes are 44xx for permanent and 45xx for transient refusals, and say which", () => {
  for (const code of codes) {
    const close = closeCode(code)
    expect(close).toBe((isTransient(code) ? 4500 : 4400) + refusals[code].number)
    expect(refusalOfClose(close)).toBe(code)
  }
  for (const close of [1000, 1006, 4000, 4399, 4499, 4600]) expect(refusalOfClose(close)).toBeUndefined()
})
