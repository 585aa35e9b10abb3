import type { ReactNode } from "react"

const paths = {
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12l14-7-4.5 14-3-6zM11.5 13L19 5",
  people:
    "M9 11a3.2 3.2 0 1 0 0-6.4A3.2 3.2 0 0 0 9 11zM3 19.4c.5-3.3 2.8-5 6-5s5.5 1.7 6 5M15.5 4.900a3.2 3.2 0 0 1 0 5.800M17.5 14.800c2 .6 3.2 2.2 3.5 4.6",
  down: "M12 5v13M6 12.500l6 6 6-6",
  copy: "M9 9h10v10H9zM5 15V5h10",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.700l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.700l1-1",
  retry: "M4.5 12a7.5 7.5 0 1 0 2.2-5.300L4.5 9M4.5 4.500V9H9",
  trash: "M5 7h14M10 7V4.800h4V7M7 7l.8 12.200h8.400L17 7",
  leave: "M14 5H6v14h8M11 12h9M16.5 8.500L20 12l-3.5 3.5",
  check: "M5 12.500l4.5 4.500L19 7.5",
  warning: "M12 4.500l8.5 15h-17zM12 10.500v4M12 17v.2",
  cloud: "M7 18a4 4 0 0 1-.6-8 5.6 5.6 0 0 1 10.8 1.200A3.5 3.5 0 0 1 16.8 18z",
  cloudOff: "M7 18a4 4 0 0 1-.6-8M9 6.500a5.6 5.6 0 0 1 8.2 4.7 3.5 3.5 0 0 1 2.3 5.500M16.8 18H7M4 4l16 16",
  device: "M4 5.500h16v10H4zM9 19.500h6M12 15.500v4",
  chevron: "M9 6l6 6-6 6",
  more: "M5.5 12v.1M12 12v.1M18.5 12v.1",
  reply: "M9 7L4 12l5 5M4 12h9c4 0 6.5 2 7 6",
  forward: "M15 7l5 5-5 5M20 12h-9c-4 0-6.5 2-7 6",
  pencil: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  pin: "M9 4h6M10 4v6l-3 4h10l-3-4V4M12 14v6",
  hide: "M4 12c2-3.700 4.700-5.500 8-5.500s6 1.800 8 5.500c-2 3.700-4.700 5.500-8 5.500S6 15.700 4 12zM5 19L19 5",
  thread: "M5 6h14v9h-8l-4 4v-4H5zM8.5 9.500h7M8.5 12h4",
  unread: "M5 7h9M5 12h14M5 17h14M18.5 6.500v.1",
  muted: "M6 16V11a6 6 0 0 1 9-5.200M18 11v5l1.500 2H8M10.5 20.500h3M4 4l16 16",
  bell: "M6 16v-5a6 6 0 0 1 12 0v5l1.500 2h-15zM10.5 20.500h3",
  archive: "M4 5.500h16v4H4zM5.500 9.500v9.500h13V9.500M10 13h4",
  search: "M10.5 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.300 15.300L20 20",
  qr: "M4.500 4.500h6v6h-6zM13.500 4.500h6v6h-6zM4.500 13.500h6v6h-6zM13.500 13.500h2.500v2.500M19.500 13.500v6h-6v-1",
  up: "M12 19V6M6 11.500l6-6 6 6",
  calendar: "M5 6.500h14v13H5zM5 10.500h14M8.500 4v4M15.500 4v4",
  block: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM6.500 6.500l11 11",
  message: "M5 6h14v10h-9l-4 3.500V16H5z",
  keyboard: "M3.500 6.500h17v11h-17zM7 10v.1M10.300 10v.1M13.700 10v.1M17 10v.1M8 14h8",
} as const

export type IconName = keyof typeof paths

/** Decoration: what it says is said in words beside it, or by the label of its button. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }): ReactNode {
  return (
    <svg className="icon" data-icon={name} viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}

/** Weft's mark: threads, over and under. The same as in public/icon.svg. */
export function Mark({ size = 40 }: { size?: number }): ReactNode {
  return (
    <svg className="mark" viewBox="4 4 56 56" width={size} height={size} aria-hidden="true">
      <path
        className="mark-warp"
        d="M26.5 25V10.5a5.5 5.5 0 0 1 11 0V25zM26.5 39v14.5a5.5 5.5 0 0 0 11 0V39zM11 23.5h11v17H11zM42 23.5h11v17H42zM11.092 9.5a5.5 5.5 0 0 1 10.816 0zM42.092 9.5a5.5 5.5 0 0 1 10.816 0zM11.092 54.5a5.5 5.5 0 0 0 10.816 0zM42.092 54.5a5.5 5.5 0 0 0 10.816 0z"
      />
      <path
        className="mark-weft"
        d="M25 11H10.5a5.5 5.5 0 0 0 0 11H25zM39 11h14.5a5.5 5.5 0 0 1 0 11H39zM25 42H10.5a5.5 5.5 0 0 0 0 11H25zM39 42h14.5a5.5 5.5 0 0 1 0 11H39zM23.5 26.5h17v11h-17zM9.5 26.592a5.5 5.5 0 0 0 0 10.816zM54.5 26.592a5.5 5.5 0 0 1 0 10.816z"
      />
    </svg>
  )
}
