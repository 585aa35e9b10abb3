import { WeftError } from "../base/errors.js"
import type { DocumentName } from "../protocol/names.js"

/** A segment of which this device holds the summary alone was asked for its entries. It passes: a server has them. [SPEC U15] */
export class SegmentAway extends WeftError {
  constructor(readonly document: DocumentName) {
    super(
      "SEGMENT_AWAY",
      "these messages are not on this device, and no server gives them now: try again when there is one",
    )
    this.name = "SegmentAway"
  }
}
