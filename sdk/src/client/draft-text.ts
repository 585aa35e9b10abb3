import { simpleDiffString } from "lib0/diff"
import * as Y from "yjs"
import type { Mention } from "../conversation/mention.js"
import { MAX_CONTENT_KEYS } from "../protocol/limits.js"
import { parseUserId, type UserId } from "../protocol/names.js"

/** Roots of the account's document that are drafts, and those that say who is named in them; behind it comes the place. */
export const DRAFTS = "drafts/"
const NAMED = "named/"

/** The places whose drafts a transaction changed. */
export function changedDrafts({ doc, changed }: Y.Transaction): Set<string> {
  const places = new Set<string>()
  for (const [name, type] of doc.share) {
    if (!changed.has(type)) continue
    for (const prefix of [DRAFTS, NAMED]) if (name.startsWith(prefix)) places.add(name.slice(prefix.length))
  }
  return places
}

/**
 * What a draft is in the account's document: a text, and who is named in it. Both are roots, which need no making: two
 * devices that begin one draft write into one. They are there when somebody has written; a list of a thousand
 * conversations has as many drafts, most of them empty. [SPEC U9]
 */
export class DraftText {
  private readonly textName: string
  private readonly namedName: string

  constructor(
    private readonly doc: Y.Doc,
    place: string,
  ) {
    this.textName = DRAFTS + place
    this.namedName = NAMED + place
  }

  private get isThere(): boolean {
    return this.doc.share.has(this.textName)
  }

  private get text(): Y.Text {
    return this.doc.getText(this.textName)
  }

  private get named(): Y.Map<unknown> {
    return this.doc.getMap(this.namedName)
  }

  read(): string {
    return this.isThere ? this.text.toJSON() : ""
  }

  /** In order, at most as many as a message may hold. */
  mentions(): readonly Mention[] {
    const found: Mention[] = []
    if (!this.isThere || !this.doc.share.has(this.namedName)) return found
    const text = this.read()
    for (const [key, value] of this.named) {
      const [user, letters] = readNamed(value)
      const start = this.placeOf(key)
      if (user === undefined || letters === "" || start === undefined || !text.startsWith(letters, start)) continue
      found.push({ start, length: letters.length, user })
    }
    found.sort((one, other) => one.start - other.start)
    // Two devices that name somebody by overlapping letters: the first stands.
    let end = 0
    const apart = found.filter(({ start, length }) => {
      const isApart = start >= end
      if (isApart) end = start + length
      return isApart
    })
    return apart.slice(0, MAX_CONTENT_KEYS)
  }

  /** The least change; `mentions`: these and no others. */
  write(text: string, mentions: readonly Mention[] | undefined): void {
    if (!this.isThere && text === "") return
    this.doc.transact(() => {
      const { index, remove, insert } = simpleDiffString(this.read(), text)
      if (remove > 0) this.text.delete(index, remove)
      if (insert.length > 0) this.text.insert(index, insert)
      if (mentions === undefined) this.forgetGone()
      else this.name(text, mentions)
    })
  }

  /** Of letters that went: nobody brings them back. */
  private forgetGone(): void {
    for (const key of this.named.keys()) if (this.placeOf(key) === undefined) this.named.delete(key)
  }

  private name(text: string, mentions: readonly Mention[]): void {
    const wanted = new Map(mentions.map((mention) => [this.keyAt(mention.start) ?? "", mention]))
    for (const key of this.named.keys()) if (!wanted.has(key)) this.named.delete(key)
    for (const [key, { start, length, user }] of wanted) {
      const letters = text.slice(start, start + length)
      const [before, lettersBefore] = readNamed(this.named.get(key))
      if (before !== user || lettersBefore !== letters) this.named.set(key, [user ?? "", letters])
    }
  }

  /** Names the letter there, which it keeps wherever it goes. */
  private keyAt(index: number): string | undefined {
    const { item } = Y.createRelativePositionFromTypeIndex(this.text, index)
    return item === null ? undefined : `${item.client}/${item.clock}`
  }

  /** Undefined where that letter is not there, or no more. */
  private placeOf(key: string): number | undefined {
    const [client = NaN, clock = NaN] = key.split("/").map(Number)
    if (!(client >= 0 && clock >= 0)) return undefined
    const letter = new Y.RelativePosition(null, null, Y.createID(client, clock))
    const place = Y.createAbsolutePositionFromRelativePosition(letter, this.doc)
    // Of a letter that went Yjs says where it stood: another one is there now.
    return place?.type === this.text && this.keyAt(place.index) === key ? place.index : undefined
  }
}

/** [user, letters] as it is stored; the user is undefined where it has another form, and null for everyone. */
function readNamed(value: unknown): readonly [user: UserId | null | undefined, letters: string] {
  if (!Array.isArray(value)) return [undefined, ""]
  const [user, letters] = value as unknown[]
  return [user === "" ? null : parseUserId(user), typeof letters === "string" ? letters : ""]
}
