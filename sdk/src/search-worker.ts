/*
 * What runs in the search's worker. The page starts it with `new Worker(new URL("./search-worker.js", import.meta.url))`,
 * which bundlers follow; where they do not, or a page's policy forbids it, the search runs in the page, in short turns.
 */
import { serveIndex, type Channel } from "./search/worker-index.js"

const scope: unknown = globalThis
serveIndex(scope as Channel)
