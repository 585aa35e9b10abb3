import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { build } from "esbuild"
import { root } from "./install.mjs"

/**
 * Bundles the simulator with the sources of SDK and server into one file, and returns its path. `mutant`: a bug to plant,
 * as a text of one source file and what stands there instead; fails where the text is not there exactly once.
 */
export async function bundleSimulator(name, mutant) {
  const outfile = join(root, `node_modules/.cache/weft-sim/${name}.mjs`)
  let planted = mutant === undefined
  await build({
    entryPoints: [join(root, "test/sim/main.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["weft-source"],
    sourcemap: "inline",
    logLevel: "warning",
    plugins: [
      {
        // The same hash by the library that Node brings: a third of the time.
        name: "native-hash",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^@noble\/hashes\/sha2[.]js$/ }, ({ path }) => ({ path, namespace: "native-hash" }))
          onLoad({ filter: /./, namespace: "native-hash" }, () => ({
            contents: `import { hash } from "node:crypto"
              class Hasher {
                parts = []
                update(part) {
                  this.parts.push(part.slice())
                  return this
                }
                _cloneInto(other) {
                  other.parts = [...this.parts]
                  return other
                }
                digestInto(out) {
                  out.set(hash("sha256", Buffer.concat(this.parts), "buffer"))
                }
              }
              const one = (bytes) => new Uint8Array(hash("sha256", bytes, "buffer"))
              export const sha256 = Object.assign(one, { create: () => new Hasher() })`,
          }))
        },
      },
      {
        name: "packages-stay-outside",
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
            kind === "entry-point" || path.startsWith("@weft/") ? undefined : { path, external: true },
          )
        },
      },
      {
        name: "planted-bug",
        setup({ onLoad }) {
          if (mutant === undefined) return
          onLoad({ filter: /[.]ts$/ }, ({ path }) => {
            if (relative(root, path) !== mutant.file) return undefined
            const source = readFileSync(path, "utf8")
            const parts = source.split(mutant.find)
            if (parts.length !== 2) {
              throw new Error(
                `${mutant.name}: ${mutant.file} holds ${JSON.stringify(mutant.find)} ${parts.length - 1} times`,
              )
            }
            planted = true
            return { contents: parts.join(mutant.replace), loader: "ts" }
          })
        },
      },
    ],
  })
  if (!planted) throw new Error(`${mutant.name}: ${mutant.file} is not part of the simulator`)
  return outfile
}
