import {
  judgeNative,
  emptyNativeSummary,
  readNativeContents,
  summarizeNative,
  type NativeSummary,
  type NativeUpdate,
} from "@weft/sdk/protocol"

export interface StoredAccount {
  readonly contents: NativeUpdate
  readonly summary: NativeSummary
}

/** What an account's stored updates add up to; throws RangeError where one can't be read, or builds on what is not there. */
export function readAccount(updates: readonly Uint8Array[]): StoredAccount {
  const contents = readNativeContents(updates)
  if (judgeNative(contents, emptyNativeSummary).kind === "refused") {
    throw new RangeError("stored updates build on what is not there")
  }
  return { contents, summary: summarizeNative(contents) }
}
