import { WeftError } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openFailure, storeFailure } from "./failure.js"

function error(code: string | undefined, text = "", cause?: unknown): Error {
  return Object.assign(new Error(text, { cause }), code === undefined ? {} : { code })
}

it.each([
  [error("LEVEL_CORRUPTION"), "STORE_CORRUPT"],
  [error("LEVEL_IO_ERROR", "IO error: 000005.log: No space left on device"), "STORE_QUOTA"],
  [error("LEVEL_IO_ERROR", "IO error: 000005.log: Disk quota exceeded"), "STORE_QUOTA"],
  [error("LEVEL_IO_ERROR", "IO error: 000005.log: Input/output error"), "STORE_FAILED"],
  [error("ENOSPC"), "STORE_QUOTA"],
  [error("LEVEL_DATABASE_NOT_OPEN", "", error("LEVEL_LOCKED")), "STORE_LOCKED"],
  [error(undefined, "anything"), "STORE_FAILED"],
  ["anything", "STORE_FAILED"],
])("%s means %s", (given, code) => {
  expect(storeFailure(given)).toMatchObject({ code, cause: given })
})

it("a store's own error stays what it is", () => {
  const given = new WeftError("STORE_FENCED", "")
  expect(storeFailure(given)).toBe(given)
})

it("a store that can't be opened names its directory", () => {
  expect(openFailure(error("LEVEL_LOCKED"), "/data")).toMatchObject({ code: "STORE_LOCKED" })
  expect(openFailure(error("LEVEL_LOCKED"), "/data").message).toContain("/data")
  expect(openFailure(error("EACCES"), "/data")).toMatchObject({ code: "STORE_UNAVAILABLE" })
  expect(openFailure(error("EACCES"), "/data").message).toContain("/data")
  expect(openFailure(error("LEVEL_CORRUPTION"), "/data")).toMatchObject({ code: "STORE_CORRUPT" })
})
