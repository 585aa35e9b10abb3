import { expect, it } from "vitest"
import { WeftError } from "@weft/sdk/protocol"
import { GroupCommit, MAX_GROUP_BYTES, MAX_GROUP_WRITES } from "./group-commit.js"

interface Write {
  readonly name: number
  readonly bytes: number
}

/** Commits that end when told to. */
function manual() {
  const groups: { writes: number[]; end: (refused?: Map<Write, WeftError>) => void; fail: (error: Error) => void }[] =
    []
  const commits = new GroupCommit<Write>(
    (group) =>
      new Promise((resolve, reject) => {
        groups.push({
          writes: group.map(({ name }) => name),
          end: (refused = new Map()) => {
            resolve(refused)
          },
          fail: reject,
        })
      }),
  )
  return { groups, commits }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const write = (name: number, bytes = 1): Write => ({ name, bytes })

it("what comes during a commit shares the next one, in order", async () => {
  const { groups, commits } = manual()
  const done: number[] = []
  const add = (name: number) => commits.add(write(name)).then(() => done.push(name))
  const all = [add(1), add(2)]
  await turn()
  all.push(add(3), add(4), add(5))
  await turn()
  expect(groups.map((group) => group.writes)).toEqual([[1, 2]])
  groups[0]!.end()
  await turn()
  expect(done).toEqual([1, 2])
  expect(groups.map((group) => group.writes)).toEqual([
    [1, 2],
    [3, 4, 5],
  ])
  groups[1]!.end()
  await Promise.all(all)
  await commits.idle()
  expect(done).toEqual([1, 2, 3, 4, 5])
})

it("a commit is bounded in bytes and in writes, and takes one write of any size", async () => {
  const { groups, commits } = manual()
  const big = [
    commits.add(write(1, MAX_GROUP_BYTES + 1)),
    commits.add(write(2, MAX_GROUP_BYTES)),
    commits.add(write(3)),
  ]
  const small = Array.from({ length: MAX_GROUP_WRITES }, (_, index) => commits.add(write(index)))
  for (let at = 0; at < 4; at++) {
    await turn()
    groups[at]!.end()
  }
  await Promise.all([...big, ...small])
  expect(groups.map((group) => group.writes.length)).toEqual([1, 1, MAX_GROUP_WRITES, 1])
})

it("a failed commit rejects its writes and those behind it; later ones are tried", async () => {
  const { groups, commits } = manual()
  const first = commits.add(write(1))
  await turn()
  const second = commits.add(write(2))
  const results = Promise.allSettled([first, second])
  groups[0]!.fail(new Error("disk"))
  expect(await results).toMatchObject([
    { status: "rejected", reason: { code: "STORE_FAILED" } },
    { status: "rejected", reason: { code: "STORE_FAILED" } },
  ])
  const third = commits.add(write(3))
  await turn()
  groups[1]!.end()
  await third
  expect(groups.map((group) => group.writes)).toEqual([[1], [3]])
})

it("a write that a commit leaves out rejects alone", async () => {
  const error = new WeftError("STORE_FENCED", "no")
  const commits = new GroupCommit<Write>(async (group) => new Map([[group[1]!, error]]))
  const results = await Promise.allSettled([1, 2, 3].map((name) => commits.add(write(name))))
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"])
})
