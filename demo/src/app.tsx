import { useClient, WeftProvider } from "@weft/sdk/react"
import { Component, type ReactNode, useEffect, useState } from "react"
import { Problem } from "./parts/problem.js"
import { Skeleton } from "./parts/skeleton.js"
import { UpdateNotice } from "./parts/update-notice.js"
import { Home } from "./screens/home.js"
import { PickUser } from "./screens/pick-user.js"
import { leaveUser, type Route, useAddress } from "./state/address.js"
import { historyOf } from "./state/kept-history.js"
import { readOfflineSwitch } from "./state/offline-switch.js"
import { useLanguage } from "./state/language.js"
import { serversOf } from "./state/servers.js"
import { t } from "./words/translate.js"

export function App(): ReactNode {
  const { user, route } = useAddress()
  // all that is drawn is drawn anew in another language
  useLanguage()
  return (
    <LastResort>
      {user === undefined ? <PickUser /> : <UserSession key={user} user={user} route={route} />}
      <UpdateNotice />
    </LastResort>
  )
}

function UserSession({ user, route }: { user: string; route: Route }): ReactNode {
  const [servers] = useState(() => serversOf(location))
  const [history] = useState(() => historyOf(location))
  // Who reloads while working offline stays so: no server is named before the client knows.
  const [startsOffline] = useState(() => readOfflineSwitch(user))
  return (
    <WeftProvider
      options={{ user, servers: startsOffline ? [] : servers, ...(history && { history }) }}
      loading={<Opening />}
      failed={(error, retry) => <Problem error={error} retry={retry} leave={leaveUser} />}
    >
      {startsOffline && <StayOffline servers={servers} />}
      <Home route={route} />
    </WeftProvider>
  )
}

function StayOffline({ servers }: { servers: readonly string[] }): ReactNode {
  const client = useClient()
  useEffect(() => {
    if (readOfflineSwitch(client.user)) client.goOffline()
    for (const server of servers) client.addServer(server)
  }, [client, servers])
  return null
}

function Opening(): ReactNode {
  return (
    <main className="home" aria-busy="true">
      <h1 className="unseen">{t("opening")}</h1>
      <div className="sidebar">
        <Skeleton kind="app" />
      </div>
      <div className="pane" />
    </main>
  )
}

/** What nobody foresaw: says so instead of leaving an empty page. */
class LastResort extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined }

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error: error ?? new Error("unknown") }
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children
    return (
      <Problem
        error={this.state.error}
        retry={() => {
          location.reload()
        }}
      />
    )
  }
}
