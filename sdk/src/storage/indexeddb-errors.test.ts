import { expect, it } from "vitest"
import { WeftError } from "../base/errors.js"
import { lostConnection, openFailure, operationFailure } from "./indexeddb-errors.js"

it.each([
  ["QuotaExceededError", "STORE_QUOTA", "STORE_QUOTA"],
  ["VersionError", "STORE_BLOCKED", "STORE_BLOCKED"],
  ["SecurityError", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE"],
  ["InvalidStateError", "STORE_UNAVAILABLE", "STORE_FAILED"],
  ["DataCloneError", "STORE_UNAVAILABLE", "STORE_UNAVAILABLE"],
  ["DataError", "STORE_CORRUPT", "STORE_CORRUPT"],
  ["NotReadableError", "STORE_CORRUPT", "STORE_CORRUPT"],
  ["NotFoundError", "STORE_CORRUPT", "STORE_CORRUPT"],
  ["UnknownError", "STORE_FAILED", "STORE_FAILED"],
  ["AbortError", "STORE_FAILED", "STORE_FAILED"],
])("%s means %s at open, %s later, with its cause", (name, atOpen, later) => {
  const error = new DOMException("", name)
  expect(openFailure(error)).toMatchObject({ code: atOpen, cause: error })
  expect(operationFailure(error)).toMatchObject({ code: later, cause: error })
})

it("no indexedDB at all is STORE_UNAVAILABLE", () => {
  for (const error of [new TypeError("undefined"), new ReferenceError("indexedDB")]) {
    expect(openFailure(error).code).toBe("STORE_UNAVAILABLE")
  }
})

it("an error of ours, or none that has a name, is no lost connection", () => {
  const fenced = new WeftError("STORE_FENCED", "")
  expect(operationFailure(fenced)).toBe(fenced)
  for (const error of [fenced, undefined, null, "AbortError", new DOMException("", "QuotaExceededError")]) {
    expect(lostConnection(error)).toBe(false)
  }
  expect(lostConnection(new DOMException("", "InvalidStateError"))).toBe(true)
})
