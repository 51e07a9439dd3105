import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const gateway = process.env["LOTCAST_GATEWAY"] ?? "http://127.0.0.1:8069";

export default defineConfig({
  plugins: [react()],
  build: {
    target: ["chrome119", "edge119", "firefox120", "safari17.1"], // the last three years, as `browserslist` in package.json
    assetsInlineLimit: 0, // nothing inlined: the page's content security policy forbids it
    cssMinify: "lightningcss",
  },
  server: { proxy: { "/api": gateway, "/ws": { target: gateway, ws: true } } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"] },
});
