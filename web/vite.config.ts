import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { compressed } from "./scripts/compressed";

// Where the development server finds commlog.
const server = process.env.COMMLOG_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react(), compressed()],
  build: {
    target: "es2023",
    // Assets as data: URLs would be refused by the pages' policy, except pictures.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 800,
  },
  server: {
    port: 5173,
    proxy: {
      "/graphql": { target: server, ws: true },
      "/attachments": server,
      "/auth": server,
      "/exports": server,
      "/graphiql": server,
      "/import-files": server,
      "/import-runs": server,
      "/in-app": server,
      "/webhooks": server,
    },
  },
  // What is pure shares one environment.
  test: { include: ["src/**/*.test.ts"], pool: "threads", isolate: false },
});
