import { Fragment, type ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { isMac } from "../state/shortcuts.js"
import { type PlainKey, t } from "../words/translate.js"

const mod = (): string => (isMac() ? "⌘" : "Ctrl")
const alt = (): string => (isMac() ? "⌥" : "Alt")

interface Shortcut {
  readonly does: PlainKey
  /** Pressed together. */
  readonly keys: () => readonly string[]
  /** Another key that does it, outside of fields. */
  readonly or?: readonly string[]
}

const groups: readonly { readonly title: PlainKey; readonly shortcuts: readonly Shortcut[] }[] = [
  {
    title: "keysEverywhere",
    shortcuts: [
      { does: "keySearch", keys: () => [mod(), "K"], or: ["/"] },
      { does: "keyNew", keys: () => [alt(), "N"], or: ["N"] },
      { does: "keyNext", keys: () => [alt(), "↓"] },
      { does: "keyPrevious", keys: () => [alt(), "↑"] },
      { does: "keyWrite", keys: () => ["C"] },
      { does: "keyHelp", keys: () => ["?"] },
      { does: "keyClose", keys: () => ["Esc"] },
      { does: "keyUndo", keys: () => [mod(), "Z"] },
    ],
  },
  {
    title: "keysWriting",
    shortcuts: [
      { does: "keySend", keys: () => ["Enter"] },
      { does: "keyNewLine", keys: () => ["Shift", "Enter"] },
      { does: "keyMention", keys: () => ["@"] },
      { does: "keyEditLast", keys: () => ["↑"] },
    ],
  },
  {
    title: "keysInMessages",
    shortcuts: [
      { does: "keyMessages", keys: () => ["J", "K"] },
      { does: "reply", keys: () => ["R"] },
      { does: "replyInThread", keys: () => ["T"] },
      { does: "forward", keys: () => ["F"] },
      { does: "keyEdit", keys: () => ["E"] },
      { does: "keyMenu", keys: () => ["Enter"] },
      { does: "newestMessages", keys: () => ["End"] },
    ],
  },
  {
    title: "keysInLists",
    shortcuts: [
      { does: "keyMove", keys: () => ["↑", "↓"] },
      { does: "keyOpen", keys: () => ["Enter"] },
    ],
  },
]

/** The keyboard's shortcuts. */
export function KeysDialog({ onClose }: { onClose: () => void }): ReactNode {
  return (
    <Dialog title={t("keyboardShortcuts")} onClose={onClose} isText>
      {groups.map(({ title, shortcuts }) => (
        <section key={title} className="facts">
          <h3>{t(title)}</h3>
          <dl className="keys">
            {shortcuts.map(({ does, keys, or = [] }) => (
              <Fragment key={does}>
                <dt>{t(does)}</dt>
                <dd>
                  {keys().map((key) => (
                    <kbd key={key}>{key}</kbd>
                  ))}
                  {or.map((key) => (
                    <kbd key={key} className="other-key">
                      {key}
                    </kbd>
                  ))}
                </dd>
              </Fragment>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  )
}
