import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./app.js"
import { restoreUser } from "./state/address.js"
import { applyLanguage } from "./state/language.js"
import { applyTheme } from "./state/theme.js"
import "./style.css"

applyTheme()
applyLanguage()
restoreUser()

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no #root")
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
