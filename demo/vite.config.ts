import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"
import { VitePWA } from "vite-plugin-pwa"

export default defineConfig(({ command }) => ({
  plugins: [
    react(),
    VitePWA({
      registerType: "autoUpdate",
      manifest: {
        name: "Weft",
        short_name: "Weft",
        description: "Messages that work offline",
        display: "standalone",
        start_url: "/",
        theme_color: "#1f6feb",
        background_color: "#ffffff",
      },
      workbox: {
        navigateFallback: "/index.html",
        // the server's own paths are never answered by the page
        navigateFallbackDenylist: [/^\/(sync|y|healthz|readyz|metrics)(\/|$)/],
      },
    }),
  ],
  // `vite dev` follows the SDK's source; `vite build` takes its dist, as a customer's build does
  ...(command === "serve"
    ? { resolve: { conditions: ["weft-source", "module", "browser", "development|production"] } }
    : {}),
}))
