import { WeftError, type DocumentName } from "@weft/sdk/protocol"

/** The stored bytes of a document are wrong, and will be wrong the next time. [SPEC R7] */
export class DamagedDocument extends WeftError {
  constructor(
    readonly document: DocumentName,
    cause: unknown,
  ) {
    super("STORE_CORRUPT", `the stored document ${document} can't be read`, { cause })
  }
}

export function isDamage(error: unknown): boolean {
  return error instanceof RangeError || (error instanceof WeftError && error.code === "STORE_CORRUPT")
}

/** What reading a document gives; rejects with DamagedDocument where its bytes are wrong. */
export async function readable<T>(document: DocumentName, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw isDamage(error) ? new DamagedDocument(document, error) : error
  }
}
