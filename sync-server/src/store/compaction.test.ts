import { encodeUpdate, systemEnv, WeftError, type DocumentName, type Env } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { anyDocument, makeDevice, makeLog } from "../../../test/support/device.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import type { Database, Operation } from "./database.js"
import { contentsRange } from "./keys.js"
import { LevelDatabase } from "./level-database.js"
import { openStore } from "./level-store.js"
import { stateVectorOfUpdates } from "./values.js"

const device = await makeDevice()

interface Steps {
  beforeWrite?(batch: readonly Operation[]): Promise<void> | undefined
  beforeCompact?(): Promise<void> | undefined
}

/** A real store that tells which documents' ranges are compacted, and waits where it is told to. */
async function openStepped(steps: Steps, env: Env = systemEnv) {
  const real = await LevelDatabase.open(await temporaryDirectory())
  const compacted: string[] = []
  const database: Database = new Proxy(real, {
    get(target, name) {
      if (name === "write") {
        return async (batch: readonly Operation[]) => {
          await steps.beforeWrite?.(batch)
          await target.write(batch)
        }
      }
      if (name === "compact") {
        return async (range: ReturnType<typeof contentsRange>) => {
          compacted.push(text(range.gte))
          await steps.beforeCompact?.()
          await target.compact(range)
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
  const store = await openStore(database, { env })
  onTestFinished(() => store.close())
  return {
    store,
    /** How often a document's range was compacted. */
    passes: (document: DocumentName) => compacted.filter((range) => range === text(contentsRange(document).gte)).length,
    /** Writes a document; the function then replaces what is stored, as an erasure does. */
    async write(document: DocumentName): Promise<() => Promise<void>> {
      const log = makeLog(device, document)
      for (const word of ["one", "two"]) await store.append({ document, update: encodeUpdate([await log.seal(word)]) })
      const update = encodeUpdate([log.whole])
      const stateVector = stateVectorOfUpdates(document, [update])
      const [summary, digest] = [Uint8Array.of(1), Uint8Array.of(2)]
      return () => store.replace({ document, update, summary, digest, stateVector, covers: 1, erased: true })
    },
  }
}

const text = (key: Uint8Array): string => Buffer.from(key).toString("latin1")
const turn = () => new Promise((resolve) => setImmediate(resolve))

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

it("[X7] an erasure that is stored in the commit that ends the compaction of another is compacted too", async () => {
  const [compacting, writing] = [gate(), gate()]
  const steps: Steps = {}
  const { store, passes, write } = await openStepped(steps)
  const [one, two] = [anyDocument(1), anyDocument(2)]
  const [eraseOne, eraseTwo] = [await write(one), await write(two)]
  steps.beforeCompact = () => (passes(one) === 2 ? compacting.opened : undefined)
  await eraseOne()
  while (passes(one) < 2) await turn()
  let underWay = false
  steps.beforeWrite = () => {
    underWay = true
    return writing.opened
  }
  const before = store.putSetting("any", new Uint8Array())
  while (!underWay) await turn()
  compacting.open()
  while (store.pendingWrites < 2) await turn()
  // Behind what ends the first.
  const erased = eraseTwo()
  delete steps.beforeWrite
  writing.open()
  await Promise.all([before, erased])
  await expect.poll(() => passes(two), { timeout: 5_000 }).toBe(2)
})

it("[X7] what a full disk kept from being compacted is compacted once the store has recovered", async () => {
  const steps: Steps = {}
  const env = manualEnv()
  const { store, passes, write } = await openStepped(steps, env)
  const document = anyDocument()
  const erase = await write(document)
  steps.beforeCompact = () => {
    if (passes(document) > 1) return undefined
    // The next write is the second pass's.
    steps.beforeWrite = () => Promise.reject(new WeftError("STORE_QUOTA", "the disk is full"))
    return undefined
  }
  await erase()
  while (!store.failed) await turn()
  expect(passes(document)).toBe(1)
  delete steps.beforeWrite
  env.advance(1_000)
  await expect.poll(() => passes(document), { timeout: 5_000 }).toBe(3)
})
