import { MAX_FRAME_BYTES } from "@weft/sdk/protocol"

/**
 * What an operator may choose, each with its default and its reason. Nothing here decides what a log holds: that is in
 * the protocol's constants, the same everywhere. [SPEC L1]
 */
/** How many times `frameBytes` a frame of a peer may have that this server called: its own operator may allow more. */
export const PEER_TOLERANCE = 2

const definitions = {
  /** One native frame: a sealed run of 256 KiB with room for its names. */
  frameBytes: [MAX_FRAME_BYTES, "bytes of one frame at /sync"],
  /** A stock client sends its whole document as one message. */
  stockFrameBytes: [8 * 1024 * 1024, "bytes of one message at /y"],
  /** A stranger's bytes cost nothing until the token is checked. */
  preAuthBytes: [16 * 1024, "bytes that a connection may send before it is authenticated"],
  preAuthMs: [5_000, "milliseconds until a connection must be authenticated"],
  /** Without this a dead phone keeps its socket until the kernel notices, hours later. */
  idleMs: [30_000, "milliseconds without any frame after which a connection ends"],
  socketsPerAddress: [50, "sockets of one address; loopback is exempt"],
  /** One per device is enough; a handful more for reconnects that overlap. */
  socketsPerUser: [20, "sockets of one user at /sync"],
  /** The stock protocol needs one per document. */
  stockSocketsPerUser: [200, "sockets of one user at /y"],
  entriesPerSecond: [50, "entries a second that a device may write, in the long run"],
  entryBurst: [200, "entries that a device may write at once"],
  /** Healing: a member brings back what others wrote, after a server lost its disk. */
  relayedPerSecond: [5_000, "entries a second of others that a device may bring"],
  relayedBurst: [20_000, "entries of others that a device may bring at once"],
  /** A device says once a second or two what it has, of all its conversations at once after it was away. */
  registersPerSecond: [20, "receipt registers a second of its own that a device may send, in the long run"],
  registerBurst: [2_000, "receipt registers of its own that a device may send at once"],
  /** Fast typing in several conversations, and quick changes between them. At /y presence is told as often, the latest each time. */
  signalsPerSecond: [5, "signals a second that a connection may send, in the long run"],
  signalBurst: [20, "signals that a connection may send at once"],
  /** A reader slower than this is cheaper to resync by digest than to buffer for. [SPEC S10] */
  unsentBytes: [4 * 1024 * 1024, "bytes that a connection may leave unread"],
  /** What waits for the disk on behalf of one connection; beyond it its socket is not read. */
  inFlightBytes: [2 * 1024 * 1024, "bytes of a connection's updates that are under way"],
  awarenessBytes: [64 * 1024, "bytes of presence of one user on one document at /y"],
  documentBytes: [64 * 1024 * 1024, "bytes of one document's elements"],
  /** A vector names them all, and must fit into one frame. */
  documentLogs: [10_000, "logs of one document"],
  documentRecords: [10_000, "erase records of one document"],
  conversationDocuments: [9_000, "documents of one conversation"],
  conversationsPerUser: [20_000, "conversations that one user may open"],
  /** Each change of a control document derives the whole authority anew. */
  controlEntries: [20_000, "control entries of one conversation"],
  /** What someone who was removed may still say in the control document: enough for what was written offline. */
  formerMemberEntries: [64, "control entries that a former member may bring"],
  /** Memory follows active documents: what nobody uses is dropped. */
  activeConversations: [2_000, "conversations that are kept in memory"],
  /** How long an author waits at most for the copies that --ack asks for. */
  peerAckMs: [10_000, "milliseconds to wait for peers before an update is refused for now"],
  drainMs: [10_000, "milliseconds that a stop waits for what is under way"],
} as const satisfies Record<string, readonly [value: number, text: string]>

export type LimitName = keyof typeof definitions
export type Limits = Readonly<Record<LimitName, number>>

export const limitNames = Object.keys(definitions) as LimitName[]

export const defaultLimits: Limits = Object.fromEntries(
  limitNames.map((name) => [name, definitions[name][0]]),
) as unknown as Limits

export function limitText(name: LimitName): string {
  return definitions[name][1]
}
