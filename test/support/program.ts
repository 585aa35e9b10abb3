import { mkdir, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("../..", import.meta.url))
const folder = join(root, "node_modules/.cache/weft/programs")
const built = new Map<string, Promise<string>>()

/**
 * A TypeScript program of this repository as one file of JavaScript that Node runs as it is; resolves with its path. To bundle
 * takes a tenth of a second, and a process that has to compile its sources takes one more to start, each time.
 * `entry`: relative to the root. Bundled anew by each process that asks.
 */
export function buildProgram(entry: string): Promise<string> {
  const found = built.get(entry) ?? bundle(entry)
  built.set(entry, found)
  return found
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["weft-source"],
    sourcemap: "inline",
    logLevel: "warning",
    plugins: [
      {
        name: "packages-stay-outside",
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
            kind === "entry-point" || path.startsWith("@weft/") ? undefined : { path, external: true },
          )
        },
      },
    ],
  })
  await mkdir(folder, { recursive: true })
  const name = entry.replaceAll("/", "-").replace(/\.ts$/, ".mjs")
  const file = join(folder, name)
  // Whole at once: another process may be starting it.
  const unfinished = `${file}.${String(process.pid)}`
  await writeFile(unfinished, outputFiles[0]?.contents ?? "")
  await rename(unfinished, file)
  return file
}
