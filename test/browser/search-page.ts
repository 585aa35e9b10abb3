import { createClient, type Client, type SearchResults } from "@weft/sdk"

declare global {
  interface Window {
    search: {
      open(user: string): Promise<void>
      /** Writes so many messages, without waiting for them. */
      fill(count: number): Promise<void>
      find(text: string, hits: number): Promise<SearchResults>
      close(): Promise<void>
      /** Tasks of more than 50 ms, by the browser's own count, since the page began. */
      longTasks: number[]
      /** Segments that the worker was given to index. */
      given: number
    }
  }
}

let client: Client

const longTasks: number[] = []
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longTasks.push(duration)
}).observe({ type: "longtask", buffered: true })

const post = Worker.prototype.postMessage
Worker.prototype.postMessage = function (message: { call?: { method: string } }) {
  if (message.call?.method === "put") window.search.given++
  post.call(this, message)
}

window.search = {
  longTasks,
  given: 0,
  async open(user) {
    client = await createClient({ user })
  },
  async fill(count) {
    const room = await client.createConversation({ title: "Room" })
    // in portions, as people write: what is asked for is the cost of indexing
    for (let number = 0; number < count; number += 250) {
      let last
      for (let index = number; index < Math.min(count, number + 250); index++) {
        last = room.send(
          `message ${index}: the train from platform ${index % 40} leaves ${index % 3 === 0 ? "late" : "early"}`,
        )
      }
      await last?.reached("saved")
    }
  },
  find: (text, wanted) =>
    new Promise((resolve) => {
      const results = client.search(text, { limit: 1000, order: "time" })
      const stop = results.subscribe((value) => {
        if (value.state !== "ready" || !value.complete || value.hits.length < wanted) return
        stop()
        resolve(value)
      })
    }),
  close: () => client.close(),
}
