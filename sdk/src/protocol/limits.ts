/*
 * Protocol constants, the same everywhere: two replicas that differed here would accept different entries. What an
 * operator may choose is in the server's `limits/`. [SPEC L1]
 */

/** Bytes of one body element. Longer texts belong in attachments. */
export const MAX_BODY_BYTES = 64 * 1024
/** Bytes of elements from one seal to the next: bounds what one signature check may wait for. */
export const MAX_RUN_BYTES = 256 * 1024
/** Nesting of a body's content: past any message, far below any stack. */
export const MAX_CONTENT_DEPTH = 8
/** Keys of one object and items of one list in a body's content. */
export const MAX_CONTENT_KEYS = 64
/** Items of a list in a control body: members of a conversation that is created. */
export const MAX_CONTROL_ITEMS = 4096
/** Control entries that one head may name as seen. */
export const MAX_SEEN = 64
/** Messages after which a segment is full (soft). */
export const SEGMENT_MESSAGES = 1024
/** Bytes after which a segment is full (soft). */
export const SEGMENT_BYTES = 256 * 1024
/** Highest segment number that a name may carry. */
export const MAX_SEGMENT = 2 ** 31 - 1
/** How far a clock may be ahead of the receiver's time. */
export const MAX_CLOCK_AHEAD_MS = 2 * 60 * 1000
/** A clock further ahead than this is refused for good, not to be retried. */
export const MAX_CLOCK_RETRY_MS = 60 * 60 * 1000
/** Bytes of a user id, of a title, of a topic. */
export const MAX_USER_BYTES = 128
/** Bytes of a title, in UTF-8. */
export const MAX_TITLE_BYTES = 512
/** Bytes of a topic, in UTF-8. */
export const MAX_TOPIC_BYTES = 2048
/** Messages that are shown as pinned: the last ones. */
export const MAX_PINS = 32
/** Highest bound of an invite; 0 stands for none. */
export const MAX_INVITE_USES = 1_000_000
/**
 * Logs that one update may name: bounds work before any signature is checked. More than a document may have where
 * servers keep their limits, so that a stock carrier's whole document is never refused.
 */
export const MAX_UPDATE_LOGS = 16_384
/**
 * Items, values in them and deleted ranges that one update may hold: what a stock carrier's longest message, 8 MiB, holds at
 * 64 bytes each. Without a bound the smallest ones make half a million objects before anything is checked.
 */
export const MAX_UPDATE_PARTS = 131_072
/** A segment opens so far behind one that holds an entry: a cut may have emptied those between. [SPEC R3] */
export const MAX_SEGMENT_STEP = 8
/** Bytes of a user's private document, without what was deleted in it. */
export const MAX_ACCOUNT_BYTES = 1024 * 1024
/** Clocks of one Yjs client in a document of native types: a few bytes may claim any number. */
export const MAX_NATIVE_CLOCK = 2 ** 31 - 1
/** Yjs clients of such a document, one for each start of a writer that wrote: its vector must fit into a frame. */
export const MAX_NATIVE_CLIENTS = 16_384
/** Bytes of a reaction's emoji: the longest sequences of Unicode have about 40. */
export const MAX_EMOJI_BYTES = 64
/** Edits of one message that count: bounds what is merged to show it. */
export const MAX_EDITS = 256
/** Different emoji of one message that are shown. */
export const MAX_REACTIONS = 64
/** Bytes of one receipt register: two vectors of so many logs fit. [SPEC P1] */
export const MAX_REGISTER_BYTES = 8 * 1024
/** Logs that one vector of a register lists; the rest is said by a hash. [SPEC P2] */
export const MAX_REGISTER_LOGS = 192
/** Logs that a register lists below its threads, of all of them together. [SPEC P2] */
export const MAX_REGISTER_THREAD_LOGS = 128
/** Conversations that a device shows at once; their people come and go before its eyes. [SPEC P9] */
export const MAX_WATCHED = 64
/** Signals of one frame. [SPEC P10] */
export const MAX_SIGNALS = 256
/** Users from whom one user hides. [SPEC P12] */
export const MAX_HIDDEN = 256
/** How long somebody types by one word of it. [SPEC P9] */
export const TYPING_MS = 6_000
/** Bytes from which on a frame may be packed. Measured: below them less is saved than the turns cost. [SPEC S14] */
export const MIN_PACKED_BYTES = 4 * 1024
/** How many times its bytes a packed frame may hold: so what comes in costs at most so many times what was sent. [SPEC S14] */
export const MAX_PACKED_RATIO = 16
