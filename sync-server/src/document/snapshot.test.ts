import {
  emptySummary,
  encodeFrame,
  MAX_VECTOR_RECORDS,
  type DocumentName,
  type EraseRecord,
  type RecordId,
} from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { headsOf } from "./snapshot.js"

it("[S5] heads name as many records as a vector takes", () => {
  const document = `c/${"A".repeat(24)}/1` as DocumentName
  const summary = emptySummary(document)
  for (let count = 0; count <= MAX_VECTOR_RECORDS; count++) {
    summary.records.set(String(count).padStart(24, "A") as RecordId, {} as EraseRecord)
  }
  const heads = headsOf(summary)
  expect(heads.records).toHaveLength(MAX_VECTOR_RECORDS)
  expect(encodeFrame({ kind: "vector", document, reply: true, ...heads }).length).toBeGreaterThan(
    18 * MAX_VECTOR_RECORDS,
  )
})
