import type { ReactNode } from "react"

/** What went wrong, beside what was tried. */
export function ProblemLine({ problem }: { problem: string | undefined }): ReactNode {
  if (problem === undefined) return null
  return (
    <p className="problem" role="alert">
      {problem}
    </p>
  )
}
