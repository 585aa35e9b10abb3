import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { setOfflineSwitch, useOfflineSwitch } from "../state/offline-switch.js"

/** Cuts this device off, and puts it back. */
export function OfflineToggle(): ReactNode {
  const client = useClient()
  const isOffline = useOfflineSwitch(client.user)
  const toggle = (): void => {
    setOfflineSwitch(client.user, !isOffline)
    if (isOffline) client.goOnline()
    else client.goOffline()
  }
  return (
    <button type="button" role="switch" aria-checked={isOffline} className="switch" onClick={toggle}>
      <span>Work offline</span>
      <span className="switch-track" aria-hidden="true" />
    </button>
  )
}
