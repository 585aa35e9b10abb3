import type { ReactNode } from "react"

interface SwitchProps {
  label: string
  isOn: boolean
  isDisabled?: boolean
  /** `held`: being on is something to notice. */
  mood?: "held"
  onChange: (on: boolean) => void
}

export function Switch({ label, isOn, isDisabled = false, mood, onChange }: SwitchProps): ReactNode {
  return (
    <button
      type="button"
      role="switch"
      className="switch"
      data-mood={mood}
      aria-checked={isOn}
      disabled={isDisabled}
      onClick={() => {
        onChange(!isOn)
      }}
    >
      <span>{label}</span>
      <span className="switch-track" aria-hidden="true" />
    </button>
  )
}
