import { expect, it } from "vitest"
import { bundleBytes } from "../bench/bundle.js"

it("@weft/sdk/format stays small: a page may want nothing but a preview", async () => {
  const bytes = await bundleBytes(`export * from "@weft/sdk/format"`)
  console.log(`@weft/sdk/format: ${bytes} bytes, minified and gzipped`)
  expect(bytes).toBeLessThan(24 * 1024)
})
