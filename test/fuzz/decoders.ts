import {
  acceptedUpdate,
  advanceSummary,
  check,
  decodeBody,
  decodeCertificate,
  decodeControl,
  decodeCut,
  decodeDraft,
  decodeFrame,
  decodeHead,
  decodeRecord,
  decodeRegister,
  decodeSeal,
  decodeSummary,
  decodeUpdate,
  encodeBody,
  encodeCertificate,
  encodeControl,
  encodeCut,
  encodeDraft,
  encodeFrame,
  encodeHead,
  encodeRecord,
  encodeRegisterSaid,
  encodeSeal,
  encodeSummary,
  emptySummary,
  encodeUpdate,
  equalBytes,
  parseDocumentName,
  parseLogId,
  parseUserId,
  readContents,
  replayUpdates,
  strangerBounds,
  unpackFrame,
  type CheckContext,
} from "@weft/sdk/protocol"
import { decodeRefused, encodeRefused } from "../../sdk/src/sync/refused.ts"
import { tokenExpiry } from "../../sdk/src/sync/token.ts"
import { hostDeflate } from "../../sdk/src/transport/host-deflate.ts"
import { decodeStockMessage, encodeStockMessage } from "../../sync-server/src/connection/stock-message.ts"
import { sharedDeflate } from "../../sync-server/src/net/shared-deflate.ts"
import { decodeSummaryRecord } from "../../sync-server/src/store/values.ts"
import { createVerifier } from "../../sync-server/src/auth/verifier.ts"
import type { Corpus, SampleKind } from "./corpus.ts"

/** A reader of bytes that anybody may have written. */
export interface Decoder {
  readonly name: string
  /** What it is fed with; whatever has no decoder of its own is fed to all. */
  readonly reads: SampleKind
  /**
   * Throws where the decoder broke its word: threw although it says that it returns undefined, or took what it would not
   * write. Readers of a device's own store may throw; what they throw must be an error, and soon.
   */
  run(bytes: Uint8Array): void | Promise<void>
}

/** What is read must be the only spelling of what it says. */
function same(name: string, bytes: Uint8Array, again: Uint8Array): void {
  if (!equalBytes(bytes, again)) throw new Error(`${name} reads what it would not write`)
}

/** Runs a reader of a store, whose answer to damage is an error. */
function damaged<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Error)) throw new Error("a store's reader throws what is no error", { cause: error })
    return undefined
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8")
const bodyLimits = { depth: 8, items: 64 }

export function decodersOf(corpus: Corpus): readonly Decoder[] {
  const verifier = createVerifier()
  const serverDeflate = sharedDeflate()
  const deviceDeflate = hostDeflate()
  if (deviceDeflate === undefined) throw new Error("no streams to deflate with")
  const contents = readContents([encodeUpdate(corpus.segmentRuns.filter(({ from }) => from === 0))])
  const context = (): CheckContext => ({
    summary: { ...corpus.summary, logs: new Map(corpus.summary.logs), records: new Map(corpus.summary.records) },
    knowsControl: (id) => corpus.heads.includes(id),
    admit: () => undefined,
    cutOf: () => Infinity,
    isErased: () => false,
    admitRecord: () => undefined,
    held: async (log) => Array.from(contents.values()).find((run) => run.log === log),
    refusesKey: (key) => verifier.refusesKey(key),
    verify: (...proof) => verifier.verify(...proof),
  })
  return [
    {
      name: "decodeFrame",
      reads: "frame",
      run(bytes) {
        const frame = decodeFrame(bytes)
        // A code of a newer version reads as INTERNAL: the one loss that is meant.
        if (frame !== undefined && frame.kind !== "refusal" && frame.kind !== "reject") {
          same("decodeFrame", bytes, encodeFrame(frame))
        }
      },
    },
    {
      name: "unpackFrame",
      reads: "frame",
      async run(bytes) {
        const frame = decodeFrame(bytes)
        if (frame?.kind !== "packed") return
        const server = await unpackFrame(frame, serverDeflate)
        const device = await unpackFrame(frame, deviceDeflate)
        for (const { length } of [server, device]) {
          if (length !== 0 && length !== frame.size) throw new Error("unpackFrame made another size than was said")
        }
        // What comes behind the end of the stream a device may pass over.
        if (server.length > 0) same("unpackFrame", server, device)
      },
    },
    {
      name: "decodeStockMessage",
      reads: "stock",
      run(bytes) {
        const message = decodeStockMessage(bytes)
        if (message !== undefined) encodeStockMessage(message)
      },
    },
    {
      name: "decodeUpdate",
      reads: "update",
      run(bytes) {
        decodeUpdate(bytes, strangerBounds)
      },
    },
    {
      name: "check",
      reads: "update",
      async run(bytes) {
        const surroundings = context()
        const verdicts = await check(bytes, surroundings)
        if (verdicts === undefined) return
        const accepted = acceptedUpdate(verdicts)
        if (accepted === undefined) return
        advanceSummary(surroundings.summary, verdicts)
        const again = await check(accepted, context())
        if (again?.some(({ refusal }) => refusal !== undefined) !== false)
          throw new Error("what was accepted is refused")
        same("check", accepted, acceptedUpdate(again) ?? new Uint8Array())
      },
    },
    {
      name: "readContents",
      reads: "update",
      run(bytes) {
        damaged(() => readContents([bytes]))
        damaged(() => {
          replayUpdates(emptySummary(corpus.segment), [bytes])
        })
      },
    },
    {
      name: "decodeHead",
      reads: "element",
      run(bytes) {
        const head = decodeHead(bytes)
        if (head !== undefined) same("decodeHead", bytes, encodeHead(head))
      },
    },
    {
      name: "decodeSeal",
      reads: "element",
      run(bytes) {
        const seal = decodeSeal(bytes)
        if (seal !== undefined) same("decodeSeal", bytes, encodeSeal(seal))
      },
    },
    {
      name: "decodeBody",
      reads: "content",
      run(bytes) {
        const content = decodeBody(bytes, bodyLimits)
        if (content === undefined || bytes.length > 65_536) return
        const again = encodeBody(bytes.slice(1, 13), content, bodyLimits)
        same("decodeBody", bytes.subarray(13), again.subarray(13))
      },
    },
    {
      name: "decodeCertificate",
      reads: "certificate",
      run(bytes) {
        const certificate = decodeCertificate(bytes)
        if (certificate !== undefined) same("decodeCertificate", bytes, encodeCertificate(certificate))
      },
    },
    {
      name: "decodeRegister",
      reads: "register",
      run(bytes) {
        const register = decodeRegister(bytes)
        if (register === undefined) return
        // Between format, key and clock, and the signature.
        same("decodeRegister", bytes.subarray(1 + 32 + 7, -64), encodeRegisterSaid(register))
      },
    },
    {
      name: "decodeRecord",
      reads: "record",
      run(bytes) {
        const record = decodeRecord(bytes)
        if (record !== undefined) same("decodeRecord", bytes, encodeRecord(record))
      },
    },
    {
      name: "decodeControl",
      reads: "control",
      run(bytes) {
        const action = decodeControl(bytes)
        if (action !== undefined) same("decodeControl", bytes, encodeControl(action, bytes.subarray(1, 13)))
      },
    },
    {
      name: "decodeCut",
      reads: "cut",
      run(bytes) {
        const cut = decodeCut(bytes)
        if (cut !== undefined) same("decodeCut", bytes, encodeCut(cut))
      },
    },
    {
      name: "decodeDraft",
      reads: "draft",
      run(bytes) {
        const draft = damaged(() => decodeDraft(bytes))
        if (draft !== undefined) encodeDraft(draft)
      },
    },
    {
      name: "decodeRefused",
      reads: "refused",
      run(bytes) {
        const refused = damaged(() => decodeRefused(bytes))
        if (refused !== undefined) encodeRefused(refused)
      },
    },
    {
      name: "decodeSummary",
      reads: "summary",
      run(bytes) {
        const summary = damaged(() => decodeSummary(corpus.segment, bytes))
        if (summary !== undefined) encodeSummary(summary)
        damaged(() => decodeSummaryRecord(bytes))
      },
    },
    {
      name: "names",
      reads: "element",
      run(bytes) {
        const name = text(bytes)
        parseDocumentName(name)
        parseUserId(name)
        parseLogId(name)
        tokenExpiry(name)
      },
    },
  ]
}
