import { simpleDiffString } from "lib0/diff"
import type * as Y from "yjs"
import { WeftError } from "../base/errors.js"
import { createStore } from "../base/store.js"
import { utf8 } from "../protocol/bytes.js"
import { MAX_BODY_BYTES } from "../protocol/limits.js"
import { isWellFormed } from "../protocol/names.js"
import type { TextDraft } from "./account-api.js"

/** The first draft that has a text, of several that are shown as one; the first of all where none has. [SPEC A20] */
export class JoinedDraft implements TextDraft {
  private readonly store = createStore("")
  private drafts: readonly TextDraft[] = []
  private stops: readonly (() => void)[] = []

  /** Shows these from now on. */
  show(drafts: readonly TextDraft[]): void {
    if (drafts.length === this.drafts.length && drafts.every((draft, index) => draft === this.drafts[index])) return
    for (const stop of this.stops) stop()
    this.drafts = drafts
    const look = (): void => {
      this.store.set(this.current?.get() ?? "")
    }
    this.stops = drafts.map((draft) => draft.subscribe(look))
    look()
  }

  get(): string {
    return this.store.get()
  }

  subscribe(listener: (text: string) => void): () => void {
    return this.store.subscribe(listener)
  }

  set(text: string): void {
    this.current?.set(text)
  }

  clear(): void {
    this.current?.clear()
  }

  close(): void {
    for (const stop of this.stops) stop()
  }

  private get current(): TextDraft | undefined {
    return this.drafts.find((draft) => draft.get() !== "") ?? this.drafts[0]
  }
}

/** A root text of the account's document: roots need no making, so two devices that begin one draft write into one. */
export class DraftHandle implements TextDraft {
  private readonly store = createStore("")

  constructor(
    private readonly text: Y.Text,
    private readonly demandOpen: () => void,
  ) {
    this.store.set(text.toJSON())
    text.observe(() => {
      this.store.set(text.toJSON())
    })
  }

  get(): string {
    return this.store.get()
  }

  subscribe(listener: (text: string) => void): () => void {
    return this.store.subscribe(listener)
  }

  set(text: string): void {
    this.demandOpen()
    if (typeof text !== "string" || !isWellFormed(text)) throw new WeftError("BAD_ARGUMENT", "a draft is a text")
    if (utf8(text).length > MAX_BODY_BYTES) throw new WeftError("BODY_TOO_LARGE", "a draft has at most 64 KiB")
    const { index, remove, insert } = simpleDiffString(this.text.toJSON(), text)
    if (remove === 0 && insert.length === 0) return
    const change = (): void => {
      if (remove > 0) this.text.delete(index, remove)
      if (insert.length > 0) this.text.insert(index, insert)
    }
    if (this.text.doc === null) change()
    else this.text.doc.transact(change)
  }

  /** Takes out what is here; what another device types meanwhile stays. [SPEC U9] */
  clear(): void {
    this.set("")
  }
}
