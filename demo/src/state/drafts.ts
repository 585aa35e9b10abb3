import { keep, readKept } from "./keep.js"

/** What was typed and not sent, so that a reload does not lose it. */
export function readDraft(user: string, conversation: string): string {
  return readKept(`draft.${user}.${conversation}`) ?? ""
}

export function keepDraft(user: string, conversation: string, text: string): void {
  keep(`draft.${user}.${conversation}`, text === "" ? undefined : text)
}
