import { readFileSync } from "node:fs"
import { getPublicKeyAsync, signAsync } from "@noble/ed25519"
import { expect, it } from "vitest"
import * as Y from "yjs"
import { check } from "../log/check.js"
import { encodeRecord, recordIdOf, recordMessage } from "../log/erasure.js"
import { trusting } from "../log/scenario.js"
import { digestOf, emptySummary } from "../log/summary.js"
import { decodeUpdate, encodeUpdate, type Element, type LogRun } from "../log/update.js"
import { sealRun } from "../log/writer.js"
import { hex } from "./bytes.js"
import { controlIdOf, encodeBody, firstLink, hashBody, nextLink, sealMessage, type Clock } from "./entry.js"
import { clientIdOf, controlDocument, conversationIdOf, deviceIdOf, logIdOf, segmentDocument } from "./names.js"

/** Every step from a key to the bytes on the wire, in hex, from fixed input. [SPEC V1] */
async function computeVectors(): Promise<unknown> {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index)
  const publicKey = await getPublicKeyAsync(secret)
  const signer = { publicKey, sign: (message: Uint8Array) => signAsync(message, secret) }
  const device = deviceIdOf(publicKey)
  const session = Uint8Array.of(1, 2, 3)
  const log = logIdOf(device, session)
  const clock = (1_735_689_600_000 * 1024) as Clock
  const salt = Uint8Array.from({ length: 12 }, (_, index) => 0xa0 + index)

  const createBody = encodeBody(salt, new Map([["k", "example"]]))
  const conversation = conversationIdOf(device, createBody)
  const control = controlDocument(conversation)
  const created = await sealRun(
    control,
    log,
    undefined,
    [{ class: "control", clock, body: createBody, seen: [] }],
    signer,
  )
  const createHead = created.run.elements[0]!
  const controlId = controlIdOf(device, createHead)

  const document = segmentDocument(conversation, 1)
  const messageBody = encodeBody(salt, new Map([["t", "hello"]]))
  const messages = await sealRun(
    document,
    log,
    undefined,
    [
      { class: "message", clock: (clock + 1) as Clock, body: messageBody, seen: [controlId] },
      {
        class: "message",
        clock: (clock + 2) as Clock,
        body: encodeBody(salt, new Map([["t", "gone"]])),
        seen: [controlId],
      },
    ],
    signer,
  )
  const [head, , second, erased, seal] = messages.run.elements as Uint8Array[]
  const before = firstLink(document, log)
  const links = [before, nextLink(before, head!)]
  links.push(nextLink(links[1]!, second!))
  const fields = {
    target: device,
    bodyHash: hashBody(erased!),
    kind: "message" as const,
    publicKey,
    clock: (clock + 3) as Clock,
    seen: [controlId],
  }
  const record = { ...fields, signature: await signer.sign(recordMessage(document, fields)) }
  const eraseBody = Uint8Array.from([2, ...salt, ...encodeRecord(record)])
  const erasing = await sealRun(
    document,
    log,
    messages.next,
    [{ class: "erase", clock: (clock + 3) as Clock, body: eraseBody, seen: [controlId] }],
    signer,
  )
  const elements: Element[] = [...messages.run.elements, ...erasing.run.elements]
  const whole: LogRun = { ...messages.run, elements }
  const punched: LogRun = { ...whole, elements: elements.map((element, index) => (index === 3 ? null : element)) }
  const summary = emptySummary(document)
  summary.logs.set(erasing.next.client, erasing.next)
  summary.records.set(recordIdOf(record), record)
  return {
    secret: hex(secret),
    publicKey: hex(publicKey),
    device,
    session: hex(session),
    log,
    salt: hex(salt),
    clock,
    create: {
      body: hex(createBody),
      conversation,
      document: control,
      head: hex(createHead),
      controlId,
      client: clientIdOf(control, log),
      seal: hex(created.run.elements[2]!),
      update: hex(encodeUpdate([created.run])),
    },
    messages: {
      document,
      client: clientIdOf(document, log),
      content: { t: "hello" },
      body: hex(messageBody),
      bodyHash: hex(hashBody(messageBody)),
      head: hex(head!),
      secondHead: hex(second!),
      links: links.map(hex),
      sealMessage: hex(sealMessage(document, log, links[2]!)),
      seal: hex(seal!),
      linkAfterSeal: hex(messages.next.link),
      update: hex(encodeUpdate([messages.run])),
    },
    erasure: {
      recordMessage: hex(recordMessage(document, fields)),
      record: hex(encodeRecord(record)),
      recordId: recordIdOf(record),
      head: hex(erasing.run.elements[0]!),
      seal: hex(erasing.run.elements[2]!),
      update: hex(encodeUpdate([whole])),
      updateWithHole: hex(encodeUpdate([punched])),
      digest: hex(digestOf(summary)),
    },
  }
}

interface Vectors {
  readonly create: { readonly document: string; readonly update: string }
  readonly messages: { readonly document: string; readonly update: string }
  readonly erasure: { readonly update: string; readonly updateWithHole: string }
}

const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8")) as Vectors

it("[V1] the test vectors are what this version writes", async () => {
  expect(await computeVectors()).toEqual(vectors)
})

it("[V1, C6] they pass the check, and Yjs writes the same bytes", async () => {
  const { create, messages, erasure } = vectors
  for (const [document, update] of [
    [create.document, create.update],
    [messages.document, messages.update],
    [messages.document, erasure.update],
    [messages.document, erasure.updateWithHole],
  ] as const) {
    const bytes = Uint8Array.from(update.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    const [verdict] = (await check(bytes, trusting(document as never, { knowsControl: () => true }))) ?? []
    expect(verdict?.refusal).toBeUndefined()
    expect(verdict?.run?.elements).toEqual(decodeUpdate(bytes)?.[0]?.elements)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, bytes)
    expect(Y.encodeStateAsUpdate(doc)).toEqual(bytes)
  }
})
