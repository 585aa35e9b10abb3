import { cutOf, movesCuts, type ControlState } from "../authority/project.js"
import type { Entry } from "../log/check.js"
import type { DeviceId, LogId } from "../protocol/names.js"
import type { WriteOptions } from "../storage/storage.js"
import type { ConversationSegments } from "./conversation-segments.js"
import type { ReplicaDocument } from "./document.js"
import { draftOf, type RefusedDraft } from "./refused.js"
import { SegmentAway } from "./segment-away.js"
import type { WantedSegments } from "./wanted-segments.js"

export interface EnforcementPorts {
  readonly device: DeviceId
  readonly wanted: Pick<WantedSegments, "want">
  /** The present authority. */
  state(): ControlState
  /** The writer's hold on the storage; undefined while another tab is the writer. */
  guard(): WriteOptions["guard"]
  report(error: unknown): void
  /** Own entries of a document that lay beyond a cut: they are stored as refused. */
  refused(document: ReplicaDocument, drafts: readonly RefusedDraft[]): void
}

/** Brings the segments of a conversation in line with its authority: cuts, and what earlier cuts had set aside. [SPEC A] */
export class Enforcement {
  /** The authority that they were last brought in line with. */
  private enforced: ControlState | undefined

  constructor(
    private readonly segments: Pick<ConversationSegments, "numbers" | "load">,
    private readonly ports: EnforcementPorts,
  ) {}

  /** Whether what is stored is in line with authority, as the writer makes it. */
  get isInLine(): boolean {
    return this.enforced === this.ports.state()
  }

  /** What is stored was brought in line with authority before. */
  beInLine(): void {
    this.enforced = this.ports.state()
  }

  /** False where the present authority moves no cuts. What the storage does not take now is done when it is well. */
  async carryOut(): Promise<boolean> {
    const state = this.ports.state()
    if (this.ports.guard() === undefined) return false
    if (!movesCuts(this.enforced, state)) {
      this.enforced = state
      return false
    }
    try {
      this.enforced = (await this.moveCuts()) ? state : undefined
    } catch (error) {
      this.ports.report(error)
    }
    return true
  }

  /** The same, where a crash may have left it half done, or another tab wrote. */
  carryOutAgain(): Promise<boolean> {
    // What was in line when this tab was the writer before, may not be now.
    this.enforced = undefined
    return this.carryOut()
  }

  /** False where some of it waits for a segment that is away. */
  private async moveCuts(): Promise<boolean> {
    let waits = false
    for (const number of this.segments.numbers) {
      const document = await this.segments.load(number)
      const limit = (log: LogId, firstSeen: Parameters<typeof cutOf>[3]): number =>
        cutOf(this.ports.state(), log, number, firstSeen)
      const keep = (entry: Entry): RefusedDraft | undefined => {
        const draft = entry.device === this.ports.device ? draftOf(entry) : undefined
        return draft && { code: "PAST_CUT", draft }
      }
      try {
        const gone = await document.applyCuts(limit, keep)
        this.ports.refused(
          document,
          gone.flatMap((entry) => keep(entry) ?? []),
        )
        // A removal that fell gives back what it had cut.
        await document.retryAsides()
      } catch (error) {
        if (!(error instanceof SegmentAway)) throw error
        waits = true
        this.ports.wanted.want(document.name)
      }
    }
    return !waits
  }
}
