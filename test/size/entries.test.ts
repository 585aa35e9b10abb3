import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { expect, it } from "vitest"

/** Bytes of an entry and all that it needs, as a web page gets it: bundled, minified, gzipped. */
async function measure(entry: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export * from ${JSON.stringify(entry)}`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["weft-source"],
    write: false,
  })
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length
}

it("@weft/sdk/format stays small: a page may want nothing but a preview", async () => {
  const bytes = await measure("@weft/sdk/format")
  console.log(`@weft/sdk/format: ${bytes} bytes, minified and gzipped`)
  expect(bytes).toBeLessThan(24 * 1024)
})
