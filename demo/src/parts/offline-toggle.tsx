import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { setOfflineSwitch, useOfflineSwitch } from "../state/offline-switch.js"
import { t } from "../words/translate.js"
import { Switch } from "./switch.js"

/** Cuts this device off, and puts it back. */
export function OfflineToggle(): ReactNode {
  const client = useClient()
  const isOffline = useOfflineSwitch(client.user)
  const toggle = (): void => {
    setOfflineSwitch(client.user, !isOffline)
    if (isOffline) client.goOnline()
    else client.goOffline()
  }
  return <Switch label={t("workOffline")} isOn={isOffline} mood="held" onChange={toggle} />
}
