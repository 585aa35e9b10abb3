import type { Limits } from "./limits/limits.js"
import type { AckLevel } from "./peer/copies.js"

/** How users prove who they are. */
export type AuthOptions =
  /** Anybody is whoever they say. Loopback only. */
  | { readonly kind: "dev" }
  | {
      readonly kind: "jwt"
      readonly keys: { readonly kind: "jwks"; readonly url: string } | { readonly kind: "pem"; readonly pem: string }
      readonly issuer: string
      readonly audience: string
    }

/** What `startServer` takes; everything but the data folder and the authentication has a default. */
export interface ServerOptions {
  /** LevelDB's folder; one process owns it. */
  readonly data: string
  readonly auth: AuthOptions
  /** 0: any free one. Default 4400. */
  readonly port?: number
  /** Default: 127.0.0.1 for development, else all addresses. */
  readonly host?: string
  /** Lets a development server be reached from other machines. */
  readonly allowRemoteDev?: boolean
  /** Folder that is served over HTTP. */
  readonly static?: string
  /** Addresses of servers to keep a link to: `ws://` or `wss://`. */
  readonly peers?: readonly string[]
  /** The secret that servers show each other. Without it only a development server takes peers. */
  readonly peerToken?: string
  /** The secret that opens /debug. Without it there is no such page. */
  readonly adminToken?: string
  /** Keys of further servers whose certificates count; 32 bytes each. */
  readonly trust?: readonly Uint8Array[]
  readonly ack?: AckLevel
  /** The address of a client is the last one in X-Forwarded-For. */
  readonly trustedProxy?: boolean
  /**
   * Cuts documents that can't be read down to what can; their bytes go to the folder `<data>.damaged`. Makes the index of
   * members anew. Default false.
   */
  readonly repair?: boolean
  readonly limits?: Partial<Limits>
  /** pino's. Default "info". */
  readonly logLevel?: string
  /** Metrics of the process itself: of one server in a process. Default false. */
  readonly processMetrics?: boolean
}
