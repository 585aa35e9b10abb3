import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"
import { VitePWA } from "vite-plugin-pwa"
import { emojiData } from "./emoji-data.js"

export default defineConfig(({ command, mode }) => ({
  server: { proxy: { "/sync": { target: "ws://localhost:4400", ws: true } } },
  plugins: [
    react(),
    emojiData(),
    VitePWA({
      // the page asks before it takes a new version: somebody may be writing
      registerType: "prompt",
      manifest: {
        name: "Weft",
        short_name: "Weft",
        description: "Messages that work offline",
        display: "standalone",
        start_url: "/",
        theme_color: "#0b6870",
        background_color: "#f7f5f1",
        icons: [
          { src: "/icon-192.png", sizes: "192x192", type: "image/png" },
          { src: "/icon-512.png", sizes: "512x512", type: "image/png" },
          { src: "/icon-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
          { src: "/icon.svg", sizes: "any", type: "image/svg+xml" },
        ],
      },
      workbox: {
        globPatterns: ["**/*.{js,css,html,svg,png}"],
        clientsClaim: true,
        navigateFallback: "/index.html",
        // the server's own paths are never answered by the page
        navigateFallbackDenylist: [/^\/(sync|y|healthz|readyz|metrics)(\/|$)/],
      },
    }),
  ],
  // `vite dev`, and the tests with `--mode source`, follow the SDK's source; a build takes its dist, as a customer's does
  ...(command === "serve" || mode === "source"
    ? { resolve: { conditions: ["weft-source", "module", "browser", "development|production"] } }
    : {}),
}))
