import { spawn } from "node:child_process"
import { join } from "node:path"
import { readContents, type DocumentName } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { anyDocument } from "../support/device.js"
import { seededRandom } from "../support/seed.js"
import { buildProgram } from "../support/program.js"
import { temporaryDirectory } from "../support/temporary.js"

const ROUNDS = 6

/** What the child printed before it was killed, `afterMs` after it had opened the store. */
async function runUntilKilled(directory: string, seed: number, documents: readonly string[], afterMs: number) {
  const program = await buildProgram("test/chaos/append-forever.ts")
  const child = spawn(process.execPath, [program, directory, String(seed), ...documents], {
    stdio: ["ignore", "pipe", "pipe"],
  })
  return new Promise<{ lines: string[]; signal: NodeJS.Signals | null; errors: string }>((resolve, reject) => {
    let output = ""
    let errors = ""
    let timer: NodeJS.Timeout | undefined
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text
      if (output.includes("ready\n")) timer ??= setTimeout(() => child.kill("SIGKILL"), afterMs)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text))
    child.on("error", reject)
    child.on("close", (_, signal) => {
      clearTimeout(timer)
      const start = output.indexOf("ready\n") + "ready\n".length
      resolve({ lines: output.slice(start).split("\n").slice(0, -1), signal, errors })
    })
  })
}

it(
  "[I1] what was acknowledged is there after the process was killed, and the documents are whole",
  { timeout: 120_000 },
  async () => {
    const random = seededRandom("store crash")
    const directory = join(await temporaryDirectory(), "store")
    const documents = [anyDocument(1), anyDocument(2), anyDocument(3)]
    const acknowledged = new Map<string, number>()
    let appends = 0
    let merged = 0
    for (let round = 0; round < ROUNDS; round++) {
      const { lines, signal, errors } = await runUntilKilled(
        directory,
        random.below(2 ** 31),
        documents,
        20 + random.below(400),
      )
      expect([signal, errors.replaceAll(/^npm warn.*\n/gm, "")]).toEqual(["SIGKILL", ""])
      for (const line of lines) {
        const [document = "", log = "", count = "0"] = line.split(" ")
        acknowledged.set(`${document} ${log}`, Math.max(Number(count), acknowledged.get(`${document} ${log}`) ?? 0))
        appends++
      }
      const store = await openLevelStore({ directory })
      for (const document of documents) merged += await expectWhole(store, document, acknowledged)
      await store.close()
    }
    console.log(`${appends} appends acknowledged in ${ROUNDS} lives, ${merged} merges seen`)
    expect(appends).toBeGreaterThan(ROUNDS)
  },
)

/** All that was acknowledged is there, without gaps; returns whether the document was merged at some time. */
async function expectWhole(
  store: Awaited<ReturnType<typeof openLevelStore>>,
  document: DocumentName,
  acknowledged: ReadonlyMap<string, number>,
): Promise<number> {
  const updates = await store.updates(document)
  const contents = readContents(updates)
  const counts = new Map(Array.from(contents.values(), ({ log, elements }) => [log as string, elements.length]))
  for (const [key, count] of acknowledged) {
    const [name, log = ""] = key.split(" ")
    if (name === document) expect(counts.get(log) ?? 0, key).toBeGreaterThanOrEqual(count)
  }
  const stored = await store.load(document)
  if (stored === undefined) {
    expect(updates).toEqual([])
    return 0
  }
  expect(stored.updates).toBe(updates.length)
  // A summary and the updates that it covers are of one moment: it was given how many logs there were.
  const covered = readContents(updates.slice(0, updates.length - stored.later.length))
  if (stored.summary !== undefined) expect(stored.summary).toEqual(Uint8Array.of(covered.size))
  return stored.clock >= updates.length ? 1 : 0
}
