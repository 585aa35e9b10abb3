import type * as Y from "yjs"
import type { Entry } from "../log/check.js"
import { readRun } from "../log/rebuild.js"
import type { LogRun } from "../log/update.js"
import { clientIdOf, type DocumentName } from "../protocol/names.js"
import { applyRuns, createYDoc, holdsNothingBeyond, pushRun, readYDoc } from "./ydoc.js"

/** A document's Y.Doc, there while somebody has it open; nothing happens to one that is not. */
export class OpenDocument {
  private held: { readonly doc: Y.Doc; users: number } | undefined

  constructor(private readonly name: DocumentName) {}

  get isOpen(): boolean {
    return this.held !== undefined
  }

  /** One more has it open; `runs` are asked for where nobody had. */
  async use(runs: () => Promise<readonly LogRun[]>): Promise<Y.Doc> {
    if (this.held === undefined) {
      const doc = createYDoc(this.name)
      applyRuns(doc, await runs())
      this.held = { doc, users: 0 }
    }
    this.held.users++
    return this.held.doc
  }

  release(): void {
    if (this.held === undefined || --this.held.users > 0) return
    this.held.doc.destroy()
    this.held = undefined
  }

  /** All accepted entries, read from its Y types; none where it is not open. */
  entries(): Entry[] {
    if (this.held === undefined) return []
    return readYDoc(this.held.doc, (log) => clientIdOf(this.name, log)).flatMap((run) => readRun(run))
  }

  apply(runs: readonly LogRun[]): void {
    if (this.held !== undefined) applyRuns(this.held.doc, runs)
  }

  /** Appends an own run. False where Yjs did not put it at its place; it is there all the same. */
  push(run: LogRun): boolean {
    if (this.held === undefined || pushRun(this.held.doc, run)) return true
    applyRuns(this.held.doc, [run])
    return false
  }

  /** Holds this and nothing else: a Yjs document can't forget, so it is replaced where it stands. */
  replace(runs: readonly LogRun[]): void {
    if (this.held === undefined) return
    const { doc, users } = this.held
    const fresh = createYDoc(this.name)
    applyRuns(fresh, runs)
    this.held = { doc: fresh, users }
    doc.destroy()
  }

  /** The same, where that takes anything away. */
  become(runs: readonly LogRun[]): void {
    if (this.held === undefined || holdsNothingBeyond(this.held.doc, runs)) this.apply(runs)
    else this.replace(runs)
  }
}
