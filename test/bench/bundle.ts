import { gzipSync } from "node:zlib"
import { build } from "esbuild"
import { figure, type Bench } from "./figure.ts"

/** Bytes of what a web page gets at once: bundled, minified, gzipped; what it loads when it is needed is not among them. */
export async function bundleBytes(source: string, external: readonly string[] = []): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["weft-source"],
    external: [...external],
    outdir: "out",
    metafile: true,
    write: false,
  })
  const parts = new Set(Object.keys(metafile.outputs).filter((path) => path.endsWith("stdin.js")))
  // The set grows while it is walked.
  for (const part of parts) {
    for (const { path, kind } of metafile.outputs[part]?.imports ?? []) if (kind === "import-statement") parts.add(path)
  }
  const files = outputFiles.filter(({ path }) => Array.from(parts).some((part) => path.endsWith(part)))
  if (files.length === 0) throw new Error("nothing was built")
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0)
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
