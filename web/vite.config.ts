// The page is served under a policy without inline scripts, styles or data fonts, so nothing may be inlined. Every name
// but index.html carries a hash of its bytes and can be kept for ever.
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import solid from "vite-plugin-solid";

// The stored theme is applied by the entry script; waiting for it before the first paint spares a flash of the other one.
const paintAfterScript: Plugin = {
  name: "paint-after-script",
  transformIndexHtml: {
    order: "post",
    handler: (html) => html.replace('<script type="module"', '<script type="module" blocking="render"'),
  },
};

export default defineConfig({
  plugins: [solid(), paintAfterScript],
  resolve: { alias: { entities: fileURLToPath(new URL("src/markdown/entities.ts", import.meta.url)) } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name]-[hash].js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: "assets/[name]-[hash][extname]",
      },
    },
  },
  server: { proxy: { "/page": process.env.SHENBI ?? "http://127.0.0.1:8971" } },
});
