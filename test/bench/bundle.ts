import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { figure, type Bench } from "./figure.ts"

/** Bytes of what a web page gets: bundled, minified, gzipped. */
export async function bundleBytes(source: string, external: readonly string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["weft-source"],
    external: [...external],
    write: false,
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error("nothing was built")
  return gzipSync(file.contents, { level: 9 }).length
}

export const bundle: Bench = {
  name: "bundle",
  what: "the SDK with Yjs, minified and gzipped",
  exact: true,
  async run(say) {
    const main = await bundleBytes(`export * from "@weft/sdk"`)
    const react = await bundleBytes(`export * from "@weft/sdk"; export * from "@weft/sdk/react"`, ["react"])
    say(`. ${String(main)} bytes, with ./react ${String(react - main)} more`)
    const note = `./react adds ${((react - main) / 1024).toFixed(1)} KB`
    return figure({
      value: main / 1024,
      unit: "KB",
      target: 65,
      better: "less",
      counts: { main, "./react beside it": react - main },
      notes: [note],
    })
  },
}
