/*
 * `@weft/sdk/protocol`: what both sides must agree on. The sync server is built on it; so is any other carrier.
 */
export { unreachable, type Brand } from "./base/brand.js"
export { systemEnv, randomFraction, type Env, type Timer } from "./base/env.js"
export { WeftError, type ErrorCode } from "./base/errors.js"
export { Line, type LinePorts } from "./base/line.js"
export { createQueue } from "./base/queue.js"
export * from "./protocol/account-name.js"
export * from "./protocol/bytes.js"
export * from "./protocol/codes.js"
export * from "./protocol/content.js"
export { encodeBytes } from "./protocol/encode.js"
export * from "./protocol/entry.js"
export * from "./protocol/frame.js"
export type { Field, FieldValue, RecordOf } from "./protocol/schema.js"
export * from "./protocol/limits.js"
export * from "./protocol/names.js"
export * from "./protocol/packed.js"
export { PROTOCOL_VERSION } from "./protocol/version.js"
export * from "./log/check.js"
export * from "./log/contents.js"
export * from "./log/clock.js"
export * from "./log/draft.js"
export * from "./log/erasure.js"
export * from "./log/rebuild.js"
export { RecentUpdates, type Covering } from "./log/recent-updates.js"
export * from "./log/register.js"
export * from "./log/register-vector.js"
export * from "./log/thread-name.js"
export * from "./log/summary.js"
export * from "./log/update.js"
export * from "./log/writer.js"
export { zlibDeflate } from "./transport/zlib-deflate.js"
export * from "./native/codec.js"
export * from "./native/contents.js"
export type { Placed } from "./native/arrange.js"
export type {
  Collected,
  Content as NativeContent,
  Item,
  NativeUpdate,
  NativeVector,
  Range,
  Struct,
  StructId,
} from "./native/structs.js"
export * from "./native/summary.js"
export * from "./identity/certificate.js"
export { KeyGate, provesNothing, refusesKey, type Verify } from "./identity/verify.js"
export type { ErasureClaim, SegmentEntry } from "./authority/admit.js"
export * from "./authority/control.js"
export * from "./authority/cut.js"
export type { InitialMember } from "./authority/fields.js"
export * from "./authority/gate.js"
export * from "./authority/invite.js"
export * from "./authority/ledger.js"
export type { Standing } from "./authority/membership.js"
export type { MessageRef } from "./authority/message-ref.js"
export * from "./authority/project.js"
export * from "./authority/register-set.js"
export * from "./authority/role.js"
export type { Device, Member, MemberRemoval, Outcome, Pin } from "./authority/state.js"
