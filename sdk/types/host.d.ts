/**
 * The part of the host that the core may use, common to browsers, workers and Node. Used only by tsconfig.core.json,
 * where neither DOM nor Node types are there; elsewhere the host's own, wider declarations stand.
 */

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes?: Uint8Array): string
}

declare class URL {
  constructor(url: string)
  readonly href: string
  readonly host: string
  readonly hostname: string
  readonly pathname: string
  readonly username: string
  readonly password: string
}

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: "abort", listener: () => void): void
}

declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

interface CryptoKey {
  readonly type: "private" | "public" | "secret"
  readonly extractable: boolean
}

interface CryptoKeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

interface SubtleCrypto {
  generateKey(
    algorithm: "Ed25519" | { name: "Ed25519" },
    extractable: boolean,
    usages: string[],
  ): Promise<CryptoKeyPair>
  importKey(
    format: "raw" | "pkcs8" | "spki",
    bytes: Uint8Array<ArrayBuffer> | ArrayBuffer,
    algorithm: "Ed25519" | { name: "Ed25519" },
    extractable: boolean,
    usages: string[],
  ): Promise<CryptoKey>
  exportKey(format: "raw" | "pkcs8" | "spki", key: CryptoKey): Promise<ArrayBuffer>
  sign(
    algorithm: "Ed25519" | { name: "Ed25519" },
    key: CryptoKey,
    bytes: Uint8Array<ArrayBuffer> | ArrayBuffer,
  ): Promise<ArrayBuffer>
  verify(
    algorithm: "Ed25519" | { name: "Ed25519" },
    key: CryptoKey,
    signature: Uint8Array<ArrayBuffer> | ArrayBuffer,
    bytes: Uint8Array<ArrayBuffer> | ArrayBuffer,
  ): Promise<boolean>
  digest(algorithm: "SHA-256", bytes: Uint8Array<ArrayBuffer> | ArrayBuffer): Promise<ArrayBuffer>
}

interface Crypto {
  readonly subtle: SubtleCrypto
  getRandomValues<T extends Uint8Array | Uint32Array>(array: T): T
}

declare const crypto: Crypto

/** Opaque: a number in browsers, an object in Node. */
interface HostTimer {
  readonly hostTimer: unique symbol
}

declare function setTimeout(run: () => void, milliseconds?: number): HostTimer
declare function clearTimeout(timer: HostTimer | undefined): void
declare function setInterval(run: () => void, milliseconds?: number): HostTimer
declare function clearInterval(timer: HostTimer | undefined): void
declare function queueMicrotask(run: () => void): void

declare const performance: { now(): number }
