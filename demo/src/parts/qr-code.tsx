import encodeQR from "qr"
import { type ReactNode, useMemo } from "react"

/** Squares of quiet ground that readers need around the code. */
const BORDER = 4

/** A text as a QR code, dark on light in either theme, as readers expect. */
export function QrCode({ text, label }: { text: string; label: string }): ReactNode {
  const rows = useMemo(() => encodeQR(text, "raw", { ecc: "medium", border: BORDER }), [text])
  const path = useMemo(
    () => rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : []))).join(""),
    [rows],
  )
  return (
    <svg
      className="qr-code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${rows.length} ${rows.length}`}
      shapeRendering="crispEdges"
    >
      <path d={path} />
    </svg>
  )
}
