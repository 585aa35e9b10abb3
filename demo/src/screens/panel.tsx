import { useConversation } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { goBack, type Route } from "../state/address.js"
import { AccountDialog } from "./account-dialog.js"
import { InviteDialog } from "./invite-dialog.js"
import { JoinDialog } from "./join-dialog.js"
import { KeysDialog } from "./keys-dialog.js"
import { NewDialog } from "./new-dialog.js"
import { PinnedDialog } from "./pinned-dialog.js"
import { SearchDialog } from "./search-dialog.js"
import { SyncDialog } from "./sync-dialog.js"

/** The dialog that the address names, if it names one; a conversation's details and dates are its screen's. */
export function Panel({ route }: { route: Route }): ReactNode {
  const { conversation, panel, link } = route
  const view = useConversation(conversation)
  const close = (): void => {
    goBack({ conversation })
  }
  switch (panel) {
    case "new":
      return <NewDialog onClose={close} />
    case "join":
      return <JoinDialog key={link} link={link} onClose={close} />
    case "search":
      return <SearchDialog onClose={close} />
    case "keys":
      return <KeysDialog onClose={close} />
    case "sync":
      return <SyncDialog onClose={close} />
    case "account":
      return <AccountDialog onClose={close} />
    case "invites":
      return view !== undefined && <InviteDialog view={view} onClose={close} />
    case "pinned":
      return view !== undefined && <PinnedDialog view={view} onClose={close} />
    case "date":
    case "details":
    case undefined:
      return null
  }
}
