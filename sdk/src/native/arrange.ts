import { endOf, tailOf, type NativeVector, type Struct, type StructId } from "./structs.js"

/** A struct and whose it is. */
export interface Placed {
  readonly client: number
  readonly struct: Struct
}

/**
 * The structs beyond a vector, each behind everything that it builds on; undefined where something is missing. Work is in
 * proportion to the structs, however they depend on one another.
 */
export function arrange(
  structs: ReadonlyMap<number, readonly Struct[]>,
  held: NativeVector,
): { order: Placed[]; vector: Map<number, number> } | undefined {
  const vector = new Map(held)
  const order: Placed[] = []
  const next = new Map<number, number>()
  const waiting = new Map<number, Waiters>()
  const ready = Array.from(structs.keys())
  let unfinished = ready.length
  for (let client = ready.pop(); client !== undefined; client = ready.pop()) {
    const list = structs.get(client) ?? []
    let index = next.get(client) ?? 0
    for (; index < list.length; index++) {
      const struct = list[index]
      const at = vector.get(client) ?? 0
      if (struct === undefined || endOf(struct) <= at) continue
      if (struct.clock > at) return undefined
      const missing = missingOf(struct, vector)
      if (missing !== undefined) {
        wait(waiting, missing, client)
        break
      }
      order.push({ client, struct: tailOf(struct, client, at - struct.clock) })
      vector.set(client, endOf(struct))
    }
    next.set(client, index)
    if (index === list.length) unfinished--
    ready.push(...wake(waiting, client, vector.get(client) ?? 0))
  }
  return unfinished === 0 ? { order, vector } : undefined
}

function missingOf(struct: Struct, vector: NativeVector): StructId | undefined {
  if (struct.kind === "gc") return undefined
  for (const id of [struct.origin, struct.right, typeof struct.parent === "string" ? undefined : struct.parent]) {
    if (id !== undefined && id.clock >= (vector.get(id.client) ?? 0)) return id
  }
  return undefined
}

/** Clients that wait for another one to reach a clock: a heap, the lowest clock first. */
type Waiters = { readonly client: number; readonly clock: number }[]

function wait(waiting: Map<number, Waiters>, missing: StructId, client: number): void {
  const heap = waiting.get(missing.client) ?? []
  waiting.set(missing.client, heap)
  let at = heap.push({ client, clock: missing.clock }) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    if (clockAt(heap, above) <= clockAt(heap, at)) return
    swap(heap, above, at)
    at = above
  }
}

function wake(waiting: Map<number, Waiters>, client: number, reached: number): number[] {
  const heap = waiting.get(client) ?? []
  const woken: number[] = []
  for (let first = heap[0]; first !== undefined && first.clock < reached; first = heap[0]) {
    woken.push(first.client)
    removeFirst(heap)
  }
  return woken
}

function removeFirst(heap: Waiters): void {
  swap(heap, 0, heap.length - 1)
  heap.pop()
  for (let at = 0; ;) {
    const left = 2 * at + 1
    const lower = clockAt(heap, left + 1) < clockAt(heap, left) ? left + 1 : left
    if (clockAt(heap, lower) >= clockAt(heap, at)) return
    swap(heap, lower, at)
    at = lower
  }
}

/** Infinity beyond the end. */
function clockAt(heap: Waiters, at: number): number {
  return heap[at]?.clock ?? Infinity
}

function swap(heap: Waiters, a: number, b: number): void {
  const [one, other] = [heap[a], heap[b]]
  if (one === undefined || other === undefined) return
  heap[a] = other
  heap[b] = one
}
