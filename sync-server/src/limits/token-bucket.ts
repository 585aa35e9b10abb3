/** A rate with bursts: `perSecond` tokens a second, at most `burst` of them saved. Pure; the caller keeps the state. */
export interface BucketRate {
  readonly perSecond: number
  readonly burst: number
}

export interface Bucket {
  readonly tokens: number
  /** When `tokens` was true, in ms. */
  readonly at: number
}

export function fullBucket(rate: BucketRate, now: number): Bucket {
  return { tokens: rate.burst, at: now }
}

/** The bucket by now. A clock that went back adds nothing. */
export function refill(bucket: Bucket, rate: BucketRate, now: number): Bucket {
  const seconds = Math.max(0, now - bucket.at) / 1000
  return { tokens: Math.min(rate.burst, bucket.tokens + seconds * rate.perSecond), at: now }
}

/**
 * How many tokens may be taken at once. A full bucket has no bound: a sealed run can't be cut, so one that is larger
 * than the burst must pass some day; what it takes is owed.
 */
export function allowance(bucket: Bucket, rate: BucketRate): number {
  return bucket.tokens >= rate.burst ? Infinity : Math.max(0, Math.floor(bucket.tokens))
}

export function take(bucket: Bucket, tokens: number): Bucket {
  return { tokens: bucket.tokens - tokens, at: bucket.at }
}

/** Milliseconds until `tokens` may be taken. */
export function waitMs(bucket: Bucket, rate: BucketRate, tokens: number): number {
  const missing = Math.min(tokens, rate.burst) - bucket.tokens
  return missing <= 0 ? 0 : Math.ceil((missing / rate.perSecond) * 1000)
}
