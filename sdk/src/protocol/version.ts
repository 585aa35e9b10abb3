/**
 * Version of frames and entries together; both carry it. `version.test.ts` hashes their schemas against this number, so
 * a change of either without a new version fails. Log of versions: 1, the first.
 */
export const PROTOCOL_VERSION = 1
