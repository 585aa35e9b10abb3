/**
 * Bugs that the simulator must find, each as a text of one source file and what stands there instead. They are planted
 * while the simulator is bundled, so the sources know nothing of them. `seeds` are played first: they have much of what the bug needs.
 */
export const mutants = [
  {
    name: "the server's disk skips fsync",
    file: "test/sim/server-database.ts",
    find: "await disk.write(batch.map(diskOperation), true)",
    replace: "await disk.write(batch.map(diskOperation), false)",
  },
  {
    name: "a device saves drafts without fsync",
    file: "sdk/src/sync/document.ts",
    find: 'await this.ports.storage.write(batch, { durability: "strict" })\n      if (withdrawn.length > 0)',
    replace: 'await this.ports.storage.write(batch, { durability: "relaxed" })\n      if (withdrawn.length > 0)',
  },
  {
    name: "acknowledged before it is durable",
    file: "sync-server/src/peer/copies.ts",
    find: "await outcome.durable",
    replace: "outcome.durable.catch(() => undefined)",
  },
  {
    name: "a sealed run is sent before it is written",
    file: "sdk/src/sync/document.ts",
    find: "await this.stored.append(update, summary, [",
    replace: "this.stored.append(update, summary, [",
  },
  {
    name: "a log of an older session is continued",
    seeds: [102],
    file: "sdk/src/sync/document.ts",
    find: "(this.writer ??= openLog(",
    replace:
      "(this.writer ??= Array.from(this.current.logs.values()).find(({ log }) => log.startsWith(deviceIdOf(signer.publicKey)))?.log ?? openLog(",
  },
  {
    name: "the writer's guard is not asked",
    seeds: [313, 558],
    file: "sdk/src/sync/stored-document.ts",
    find: "await this.ports.storage.write(batch, { durability, guard })",
    replace: "await this.ports.storage.write(batch, { durability })",
  },
  {
    name: "dropped when a new segment opens",
    seeds: [3],
    file: "sdk/src/sync/conversation.ts",
    find: "this.known.add(number + 1)\n    this.adopt(number + 1, next)",
    replace: "this.known.add(number + 1)",
  },
  {
    name: "a merge on the server forgets erasures",
    file: "sync-server/src/store/merge.ts",
    find: "context.isErased(message))\n  await turn(env)",
    replace: "context.isErased(message) && false)\n  await turn(env)",
  },
  {
    name: "a device keeps the bytes of what was erased",
    file: "sdk/src/sync/document.ts",
    find: "if (punched > 0) {",
    replace: "if (punched < 0) {",
  },
  {
    name: "erase records are not sent before logs",
    file: "sync-server/src/connection/sync-session.ts",
    find: "for (const frame of recordFrames(document, snapshot.records)) this.#wire.sendBytes(frame)",
    replace: "",
  },
  {
    name: "acknowledgements are kept across incarnations",
    seeds: [551, 381],
    file: "sdk/src/sync/acks.ts",
    find: "if (known !== undefined && equalBytes(known.incarnation, incarnation)) return",
    replace: "if (known !== undefined) return",
  },
  {
    name: "what was refused counts as acknowledged",
    seeds: [101],
    file: "sdk/src/sync/exchange.ts",
    find: "item === undefined ? count : Math.min(await document.sealedUpTo(log, item.at), count)",
    replace: "count",
  },
  {
    name: "a whole update is refused for one bad log",
    file: "sync-server/src/document/conversation.ts",
    find: "const repeated = await this.#repeated(document, update, verdicts)",
    replace: `if (verdicts.some(({ refusal }) => refusal !== undefined)) {
      return { refused: refusalsOf(verdicts), retryAfterMs: 0, durable: document.durable, copies: new Confirmations() }
    }
    const repeated = await this.#repeated(document, update, verdicts)`,
  },
  {
    name: "nothing is relayed",
    file: "sync-server/src/connection/fan-out.ts",
    find: "subscriber.relay(batch)",
    replace: "void batch",
  },
  {
    name: "a gap on the server is not filled",
    file: "sdk/src/sync/exchange.ts",
    find: "if (isTransient(code) || log === undefined",
    replace: 'if ((isTransient(code) && code !== "GAP") || log === undefined',
  },
  {
    name: "what was refused for now is not sent again",
    seeds: [101],
    file: "sdk/src/sync/exchange.ts",
    find: "if (this.retries.has(name)) return",
    replace: "if (this.retries.size >= 0) return",
  },
  {
    name: "what is taken back is lost",
    seeds: [135, 563],
    file: "sdk/src/sync/document.ts",
    find: "    this.pending = [...drafts.map(({ draft }) => draft), ...this.pending.filter((draft) => !before.includes(draft))]\n",
    replace: "",
  },
  {
    name: "a device does not cut after a removal",
    seeds: [175],
    file: "sdk/src/sync/conversation.ts",
    find: "if (this.ports.guard() === undefined || !movesCuts(this.enforced, state)) return",
    replace: "if (this.ports.guard() === undefined || movesCuts(this.enforced, state)) return",
  },
  {
    name: "a server does not cut after a removal",
    seeds: [175],
    file: "sync-server/src/document/conversation.ts",
    find: "if (movesCuts(before, state)) await this.#enforce()",
    replace: "void movesCuts",
  },
  {
    name: "a removal cuts all that was said",
    seeds: [101],
    file: "sdk/src/client/governor.ts",
    find: "if (logs.size > 0) cut.set(number, logs)",
    replace: "void logs",
  },
  {
    name: "the digest does not name the heads",
    seeds: [452],
    file: "sdk/src/log/summary.ts",
    find: "encoding.writeUint8Array(encoder, log.link)\n  }\n  for (const id of",
    replace: "}\n  for (const id of",
  },
  {
    name: "a dead connection is never given up",
    seeds: [263, 189],
    file: "sdk/src/sync/session.ts",
    find: "if (silence > SILENCE_LIMIT_MS) {",
    replace: "if (silence > SILENCE_LIMIT_MS * 1e6) {",
  },
  {
    name: "clocks of drafts are not set right",
    seeds: [135, 563],
    file: "sdk/src/sync/conversation.ts",
    find: "if (aheadMs(draft.clock, now) <= MAX_CLOCK_AHEAD_MS) return draft",
    replace: "if (aheadMs(draft.clock, now) <= Infinity) return draft",
  },
  {
    name: "what lies beyond a cut is let in",
    file: "sdk/src/authority/admit.ts",
    find: "if (binding.length === 0) return Infinity",
    replace: "if (binding.length >= 0) return Infinity",
  },
  {
    name: "of a removal and a grant at once the later by the clock wins",
    file: "sdk/src/authority/membership.ts",
    find: 'if (lost !== undefined) return { kind: "removed", lost }',
    replace: `const clock = ({ index }) => this.#causality.entries[index].clock
    const [last] = Array.from(this.#maximal(line, past)).sort((a, b) => clock(b) - clock(a))
    if (lost !== undefined && last.kind === "removal") return { kind: "removed", lost }`,
  },
  {
    name: "drafts are sealed in the order of their clocks",
    file: "sdk/src/sync/document.ts",
    find: "this.pending = [...saved, ...this.unsaved]",
    replace: "this.pending = [...saved.slice().reverse(), ...this.unsaved]",
  },
  {
    name: "a merge on the server does not wait for what was accepted before",
    seeds: [39],
    file: "sync-server/src/document/conversation.ts",
    find: "await document.durable\n      const destroyed",
    replace: "const destroyed",
  },
  {
    name: "registers whose clocks seem ahead are dropped",
    seeds: [135, 563],
    file: "sdk/src/sync/register-exchange.ts",
    find: "if (ahead.length === 0) break",
    replace: "if (ahead.length >= 0) break",
  },
  {
    name: "a tab that lost the lock stores acknowledgements",
    seeds: [313, 558],
    file: "sdk/src/sync/acks.ts",
    find: "if (this.guard !== undefined && guard === undefined) return false",
    replace: "",
  },
  {
    name: "messages stand in the order of their arrival",
    seeds: [101],
    file: "sdk/src/conversation/node.ts",
    find: "return a.head.clock - b.head.clock || compareText(a.log, b.log) || a.position - b.position",
    replace: "return 0 * (a.head.clock - b.head.clock) * compareText(a.log, b.log)",
  },
  {
    name: "seals are not verified",
    seeds: [57],
    file: "sdk/src/log/check.ts",
    find: "if (!(await context.verify(...proof))) return false",
    replace: "await context.verify(...proof)",
  },
  {
    name: "the link is skipped",
    seeds: [237, 297],
    file: "sdk/src/protocol/entry.ts",
    find: "return sha256(link, element)",
    replace: "return element.length > 0 ? link : sha256(link, element)",
  },
  {
    name: "bodies are not held against their heads",
    seeds: [237, 297],
    file: "sdk/src/log/check.ts",
    find: 'if (!equalBytes(hashBody(body), head.bodyHash)) return stop("BODY_MISMATCH", bodyAt)',
    replace: "",
  },
  {
    name: "a wire delete set is honored",
    seeds: [57, 67],
    file: "sdk/src/log/check.ts",
    find: 'if (naming === undefined && !context.isErased(message)) return stop("DELETED_UNNAMED", bodyAt)',
    replace: "",
  },
  {
    name: "an erasure needs no right",
    seeds: [57],
    file: "sdk/src/authority/admit.ts",
    find: 'if (!isAtLeast(role, "moderator") || !isAtLeast(role, authorRole)) return undefined',
    replace: "",
  },
  {
    name: "what is not sealed is taken, and relayed",
    seeds: [57],
    file: "sdk/src/log/check.ts",
    find: 'return cursor.entries.length > 0 ? stop("UNSEALED") : undefined',
    replace: `const { entries, records, publicKey, link, at: count, firstSeen = [], seen = [] } = cursor
  if (entries.length === 0) return undefined
  if (publicKey === undefined) return stop("UNSEALED")
  runs.push({ next: { log, client, count, link, publicKey, firstSeen, seen }, entries, records, proofs: [] })
  return undefined`,
  },
]
