import { WeftError } from "../base/errors.js"
import type { SearchQuery } from "../search/search.js"
import type { SearchOptions } from "./api.js"

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Reads what an application asks for. Throws BAD_ARGUMENT. */
export function searchQuery(text: string, options: SearchOptions): SearchQuery {
  const { author, conversation, from, before, order = "relevance", limit = DEFAULT_LIMIT } = options
  if (typeof text !== "string") throw new WeftError("BAD_ARGUMENT", "a search needs a text")
  if (order !== "relevance" && order !== "time") throw new WeftError("BAD_ARGUMENT", "no such order")
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new WeftError("BAD_ARGUMENT", `a search has 1 to ${MAX_LIMIT} hits`)
  }
  for (const time of [from, before]) {
    if (time !== undefined && (typeof time !== "number" || Number.isNaN(time)))
      throw new WeftError("BAD_ARGUMENT", "not a time")
  }
  return {
    text,
    order,
    limit,
    ...(author === undefined ? {} : { author }),
    ...(conversation === undefined ? {} : { conversations: [conversation] }),
    // What bounds nothing is not said.
    ...(from === undefined || from === -Infinity ? {} : { from }),
    ...(before === undefined || before === Infinity ? {} : { before }),
  }
}
