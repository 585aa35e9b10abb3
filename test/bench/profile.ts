import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"

/** V8's, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
}

/** Where the servers that were profiled into a folder spent their time, of all profiles together: self time, most first. */
export async function topRows(folder: string, count = 15): Promise<string[]> {
  const samples = new Map<string, number>()
  let all = 0
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".cpuprofile"))) {
    const profile = JSON.parse(await readFile(join(folder, name), "utf8")) as CpuProfile
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
    for (const id of profile.samples) {
      const frame = frames.get(id)
      if (frame === undefined || frame.functionName === "(idle)") continue
      const where = frame.url === "" ? "" : ` ${frame.url.split("/").at(-1) ?? ""}:${frame.lineNumber + 1}`
      const row = `${frame.functionName || "(anonymous)"}${where}`
      samples.set(row, (samples.get(row) ?? 0) + 1)
      all++
    }
  }
  return Array.from(samples)
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([row, hits]) => `${((100 * hits) / all).toFixed(1).padStart(5)} %  ${row}`)
}
