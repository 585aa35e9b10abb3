import { WeftError } from "../base/errors.js"
import type { Subscribable } from "../base/store.js"
import type { MessageStatus } from "../conversation/message.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { MessageId } from "../protocol/entry.js"
import type { DocumentName } from "../protocol/names.js"
import type { OutgoingMessage } from "./api.js"

/** How far an own entry has come. */
export interface Progress {
  readonly status: MessageStatus
  readonly rejection: RefusalCode | undefined
  /** Where it stands, as far as it was read. */
  readonly document?: DocumentName
}

const rank: Record<MessageStatus, number> = { rejected: -1, saving: 0, saved: 1, sent: 2, delivered: 3, read: 4 }

/** A message on its way: what the list says of it, as a value of its own. */
export class Outgoing implements OutgoingMessage {
  constructor(
    readonly id: MessageId,
    private readonly read: () => Progress,
    private readonly source: Pick<Subscribable<number>, "subscribe">,
    private readonly isClosed: () => boolean,
  ) {}

  get status(): MessageStatus {
    return this.read().status
  }

  get rejection(): RefusalCode | undefined {
    return this.read().rejection
  }

  get(): MessageStatus {
    return this.status
  }

  subscribe(listener: (status: MessageStatus) => void): () => void {
    let before = this.status
    return this.source.subscribe(() => {
      const now = this.status
      if (now === before) return
      before = now
      listener(now)
    })
  }

  reached(target: "saved" | "sent" | "delivered" | "read"): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop = (): void => undefined
      const look = (): boolean => {
        const { status, rejection } = this.read()
        if (status === "rejected") {
          reject(
            new WeftError(
              "MESSAGE_REJECTED",
              rejection === undefined ? "erased before it was sent" : `refused: ${rejection}`,
            ),
          )
        } else if (rank[status] >= rank[target]) resolve()
        else if (this.isClosed()) reject(new WeftError("CLIENT_CLOSED", "this client was closed"))
        else return false
        stop()
        return true
      }
      if (!look()) stop = this.source.subscribe(look)
    })
  }
}
