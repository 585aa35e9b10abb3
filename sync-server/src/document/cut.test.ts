import { expect, it, onTestFinished } from "vitest"
import { encodeUpdate } from "@weft/sdk/protocol"
import { anyDocument, makeDevice, sealedRun } from "../../../test/support/device.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import { ActiveDocument } from "./active-document.js"
import { cutDocument } from "./cut.js"

it("[A11] what a cut set aside stays whole when the same cut comes again and finds less behind it", async () => {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  const document = anyDocument()
  const { run, update, log } = await sealedRun(await makeDevice(), document, "kept")
  const [second, third] = [await log.seal("of which the half comes back"), await log.seal("which waits for another")]
  for (const next of [update, encodeUpdate([second]), encodeUpdate([third])]) {
    await store.append({ document, update: next })
  }
  const cut = async (): Promise<number> => {
    return cutDocument(await ActiveDocument.load(document, store), store, () => run.elements.length)
  }
  expect(await cut()).toBe(1)
  const before = await store.asides(document)
  await store.append({ document, update: encodeUpdate([second]) })
  expect(await cut()).toBe(1)
  expect(await store.asides(document)).toEqual(before)
})
