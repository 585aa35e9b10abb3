import { expect, it } from "vitest"
import { WeftError } from "../base/errors.js"
import { levelFailure, levelOpenFailure } from "./level-errors.js"

function error(code: string, message = "", cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code })
}

it.each([
  ["LEVEL_LOCKED", "", "STORE_LOCKED"],
  ["LEVEL_CORRUPTION", "Corruption: bad block", "STORE_CORRUPT"],
  ["LEVEL_IO_ERROR", "IO error: /x/000003.log: No space left on device", "STORE_QUOTA"],
  ["LEVEL_IO_ERROR", "IO error: /x/000003.log: Disk quota exceeded", "STORE_QUOTA"],
  ["LEVEL_IO_ERROR", "IO error: /x/000003.log: Input/output error", "STORE_FAILED"],
  ["ENOSPC", "", "STORE_QUOTA"],
  ["EDQUOT", "", "STORE_QUOTA"],
  ["EIO", "", "STORE_FAILED"],
])("%s %s becomes %s, with its cause", (code, message, expected) => {
  const plain = error(code, message)
  const wrapped = error("LEVEL_DATABASE_NOT_OPEN", "Database failed to open", plain)
  expect(levelFailure(plain)).toMatchObject({ code: expected, cause: plain })
  expect(levelFailure(wrapped)).toMatchObject({ code: expected, cause: wrapped })
})

it("an open that fails for a reason of its own says STORE_UNAVAILABLE, others keep theirs", () => {
  expect(levelOpenFailure(error("EACCES"), "/x").code).toBe("STORE_UNAVAILABLE")
  expect(levelOpenFailure(error("ENOSPC"), "/x").code).toBe("STORE_QUOTA")
  expect(levelOpenFailure(error("LEVEL_CORRUPTION"), "/x").code).toBe("STORE_CORRUPT")
})

it("an error of ours stays what it is", () => {
  const fenced = new WeftError("STORE_FENCED", "")
  expect(levelFailure(fenced)).toBe(fenced)
  expect(levelOpenFailure(fenced, "/x")).toBe(fenced)
})
