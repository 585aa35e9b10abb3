import { expect, test } from "vitest"
import { systemEnv } from "../base/env.js"
import { createMemoryStorage } from "../storage/memory.js"
import { LazyIndex } from "./lazy-index.js"

const segment = { conversation: "c", segment: 1 }

test("[Q2] code that did not come is asked for again, and keeps nobody from closing", async () => {
  let comes = false
  const index = new LazyIndex(createMemoryStorage(), systemEnv, () =>
    comes ? import("./stored-index.js") : Promise.reject(new TypeError("Failed to fetch dynamically imported module")),
  )
  await expect(index.version(segment)).rejects.toThrow("Failed to fetch")
  const asked = index.version(segment)
  await index.close()
  await expect(asked).rejects.toThrow("Failed to fetch")
  comes = true
  await expect(index.version(segment)).resolves.toBeUndefined()
})
