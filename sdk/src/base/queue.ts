const done = (): void => undefined

/** Runs tasks one after another, in the order of their calls. A task that fails fails its caller only. */
export function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const result = last.then(task)
    // Without what came of it: an idle queue would keep that.
    last = result.then(done, done)
    return result
  }
}
