// @vitest-environment happy-dom
import { flushSync } from "react-dom"
import { createRoot, type Root } from "react-dom/client"
import { afterEach, beforeEach, expect, it } from "vitest"
import { showToast, type Toast } from "../state/toast.js"
import { ToastArea } from "./toast-area.js"

let root: Root
let place: HTMLElement

beforeEach(() => {
  place = document.createElement("div")
  document.body.append(place)
  root = createRoot(place)
  flushSync(() => {
    root.render(<ToastArea />)
  })
})

afterEach(() => {
  showToast(undefined)
  root.unmount()
  place.remove()
})

function show(toast: Toast): void {
  flushSync(() => {
    showToast(toast)
  })
}

const said = (): string | null | undefined => place.querySelector(".toast span")?.textContent
const press = (): void => place.querySelector<HTMLElement>(".quiet-button")?.click()
const failing = { name: "Undo", run: () => Promise.reject(new Error("storage is gone")) }

it("says what went wrong with its action, and nothing of that in the next toast, though it is the same one", async () => {
  const toast: Toast = { text: "Edit saved", action: failing }
  show(toast)
  expect(said()).toBe("Edit saved")
  press()
  await expect.poll(said).not.toBe("Edit saved")
  show(toast)
  expect(said()).toBe("Edit saved")
  press()
  await expect.poll(said).not.toBe("Edit saved")
  show({ text: "Copied" })
  expect(said()).toBe("Copied")
})

it("waits for nothing that a toast before it began", () => {
  show({ text: "Edit saved", action: { name: "Undo", run: () => new Promise(() => undefined) } })
  press()
  show({ text: "Erased for you", action: failing })
  expect(place.querySelector<HTMLButtonElement>(".quiet-button")?.disabled).toBe(false)
})
