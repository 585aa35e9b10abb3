import { batchesOf, urlOf, type Line } from "./line.ts"
import { openSocket } from "./socket.ts"

interface Handle {
  push(entries: readonly { text: string; from: string | undefined; at: number }[]): void
}

interface Repo {
  create(): string
  open(document: string, changed: (entries: number) => void): Promise<Handle>
}

interface AutomergeClient {
  joinMessage(senderId: string): Uint8Array
  connectRepo(url: string): Promise<Repo>
}

/** automerge-repo's own client: its protocol depends on what each side has, so a load can't be made before. A user has one socket for all documents. */
export async function automergeLine(): Promise<Line> {
  const script = new URL("../peers/automerge-client.mjs", import.meta.url).href
  const { joinMessage, connectRepo } = (await import(script)) as AutomergeClient
  const users = new Map<string, Promise<Repo>>()
  const repoOf = (url: string, user: string): Promise<Repo> => {
    const repo = users.get(user) ?? connectRepo(url)
    users.set(user, repo)
    return repo
  }
  return {
    async connect(url, user) {
      await new Promise<void>((resolve, reject) => {
        openSocket(url, () => resolve()).then((socket) => socket.send(joinMessage(user)), reject)
      })
    },
    async openRoom(plan, { delivered }) {
      const repos = await Promise.all(plan.users.map((user, member) => repoOf(urlOf(plan, member), user)))
      const document = repos[0]?.create() ?? ""
      const own = plan.users.map(() => 0)
      const handles = await Promise.all(
        repos.map((repo, member) => {
          let others = 0
          return repo.open(document, (entries) => {
            const now = entries - (own[member] ?? 0)
            if (now > others) delivered(now - others)
            others = now
          })
        }),
      )
      const batches = batchesOf(plan)
      return {
        batches: batches.length,
        send(batch) {
          const { member, texts } = batches[batch]!
          own[member] = (own[member] ?? 0) + texts.length
          handles[member]?.push(texts.map((text) => ({ text, from: plan.users[member], at: Date.now() })))
        },
      }
    },
  }
}
