import { allowance, fullBucket, refill, take, waitMs, type Bucket, type BucketRate } from "./token-bucket.js"

/** Buckets by name. A full bucket says nothing, so it is forgotten: memory follows who writes. */
export class Rates {
  readonly #rate: BucketRate
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: BucketRate) {
    this.#rate = rate
  }

  allowance(name: string, now: number): number {
    return allowance(this.#at(name, now), this.#rate)
  }

  take(name: string, tokens: number, now: number): void {
    if (tokens > 0) this.#buckets.set(name, take(this.#at(name, now), tokens))
  }

  waitMs(name: string, tokens: number, now: number): number {
    return waitMs(this.#at(name, now), this.#rate, tokens)
  }

  /** Forgets what is full again. */
  sweep(now: number): void {
    for (const [name, bucket] of this.#buckets) {
      if (refill(bucket, this.#rate, now).tokens >= this.#rate.burst) this.#buckets.delete(name)
    }
  }

  #at(name: string, now: number): Bucket {
    const bucket = this.#buckets.get(name)
    return bucket === undefined ? fullBucket(this.#rate, now) : refill(bucket, this.#rate, now)
  }
}
