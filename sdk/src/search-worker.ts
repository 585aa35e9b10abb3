/*
 * What runs in the search's worker. The page starts it with `new Worker(new URL("./search-worker.js", import.meta.url))`,
 * which bundlers follow; where they do not, or a page's policy forbids it, the search runs in the page, in short turns.
 */
import type { Channel } from "./search/channel.js"
import { serveIndex } from "./search/index-server.js"

const scope: unknown = globalThis
serveIndex(scope as Channel)
