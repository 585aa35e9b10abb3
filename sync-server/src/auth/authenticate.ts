import type { RefusalCode, UserId } from "@weft/sdk/protocol"

/** What a token says. `expiresAt` in ms since 1970; undefined: it does not end. */
type TokenVerdict =
  | { readonly kind: "accepted"; readonly user: UserId; readonly expiresAt: number | undefined }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly reason: string }

/** Who a token stands for; the operator chooses how that is found out. */
export type Authenticate = (token: string) => Promise<TokenVerdict>
