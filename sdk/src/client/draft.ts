import { WeftError } from "../base/errors.js"
import { createStore, type Subscribable } from "../base/store.js"
import { noMentions, type GivenMention } from "../conversation/mention.js"
import { utf8 } from "../protocol/bytes.js"
import { MAX_BODY_BYTES } from "../protocol/limits.js"
import { isWellFormed } from "../protocol/names.js"
import type { TextDraft } from "./account-api.js"
import type { DraftText } from "./draft-text.js"
import { demandMentions } from "./given-mentions.js"

/** What a draft is at a moment: one value, so that nobody sees ranges of another text. */
interface Drafted {
  readonly text: string
  readonly mentions: readonly GivenMention[]
}

const nothing: Drafted = { text: "", mentions: noMentions }

/** A draft as an application reads it. */
abstract class ReadableDraft {
  protected readonly store = createStore(nothing)
  readonly mentions: Subscribable<readonly GivenMention[]> = {
    get: () => this.store.get().mentions,
    subscribe: (listener) => this.follow(({ mentions }) => mentions, listener),
  }

  get(): string {
    return this.store.get().text
  }

  subscribe(listener: (text: string) => void): () => void {
    return this.follow(({ text }) => text, listener)
  }

  protected show({ text, mentions }: Drafted): void {
    const before = this.store.get()
    const same = JSON.stringify(before.mentions) === JSON.stringify(mentions)
    if (before.text !== text || !same) this.store.set({ text, mentions: same ? before.mentions : mentions })
  }

  private follow<T>(part: (drafted: Drafted) => T, listener: (value: T) => void): () => void {
    let last = part(this.store.get())
    return this.store.subscribe((drafted) => {
      const next = part(drafted)
      if (next === last) return
      last = next
      listener(next)
    })
  }
}

/** The first draft that has a text, of several that are shown as one; the first of all where none has. [SPEC A20] */
export class JoinedDraft extends ReadableDraft implements TextDraft {
  private drafts: readonly TextDraft[] = []
  private stops: readonly (() => void)[] = []
  /** A text that is on its way elsewhere: it is shown no more. */
  private leaving: string | undefined

  /** Shows these from now on. */
  join(drafts: readonly TextDraft[]): void {
    if (drafts.length === this.drafts.length && drafts.every((draft, index) => draft === this.drafts[index])) return
    this.close()
    this.drafts = drafts
    const look = (): void => {
      this.look()
    }
    this.stops = drafts.flatMap((draft) => [draft.subscribe(look), draft.mentions.subscribe(look)])
    look()
  }

  private look(): void {
    const text = this.current?.get() ?? ""
    if (text !== this.leaving) this.leaving = undefined
    const isShown = this.leaving === undefined
    this.show(isShown ? { text, mentions: this.current?.mentions.get() ?? noMentions } : nothing)
  }

  set(...change: Parameters<TextDraft["set"]>): void {
    this.current?.set(...change)
  }

  clear(): void {
    this.current?.clear()
  }

  /** As `clear`, but the disk keeps what is here until it is saved elsewhere. Where that fails it is shown again. */
  clearAfter(saved: Promise<void>): void {
    const { current } = this
    const text = current?.get()
    this.leaving = text
    this.look()
    saved
      .then(() => {
        if (current?.get() === text) current?.clear()
      })
      .catch(() => undefined)
      .finally(() => {
        if (this.leaving !== text) return
        this.leaving = undefined
        this.look()
      })
      .catch(() => undefined)
  }

  close(): void {
    for (const stop of this.stops) stop()
  }

  private get current(): TextDraft | undefined {
    return this.drafts.find((draft) => draft.get() !== "") ?? this.drafts[0]
  }
}

/** A draft of the account's document. */
export class DraftHandle extends ReadableDraft implements TextDraft {
  constructor(
    private readonly draft: DraftText,
    private readonly demandOpen: () => void,
  ) {
    super()
    this.review()
  }

  /** Shows what is in the document now. */
  review(): void {
    this.show({ text: this.draft.read(), mentions: this.draft.mentions() })
  }

  set(text: string, { mentions }: { readonly mentions?: readonly GivenMention[] } = {}): void {
    this.demandOpen()
    if (typeof text !== "string" || !isWellFormed(text)) throw new WeftError("BAD_ARGUMENT", "a draft is a text")
    if (utf8(text).length > MAX_BODY_BYTES) throw new WeftError("BODY_TOO_LARGE", "a draft has at most 64 KiB")
    this.draft.write(text, mentions && demandMentions(mentions, text))
  }

  /** Takes out what is here; what another device types meanwhile stays. [SPEC U9] */
  clear(): void {
    this.set("")
  }
}
