import type { ReactNode } from "react"

/** The shape of what is being loaded. It fades in late, so that what loads fast never flickers. */
export function Skeleton({ kind }: { kind: "messages" | "app" }): ReactNode {
  const lines = kind === "messages" ? [46, 62, 30, 54, 38] : [70, 50, 62, 44]
  return (
    <div className="skeleton" data-kind={kind} aria-hidden="true">
      {lines.map((width) => (
        <span key={width} data-width={width} />
      ))}
    </div>
  )
}
