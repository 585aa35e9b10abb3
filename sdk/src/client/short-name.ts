import { base64url, sha256, utf8 } from "../protocol/bytes.js"

/** 16 letters that stand for a text of any length. */
export function shortName(text: string): string {
  return base64url(sha256(utf8(text)).subarray(0, 12))
}
