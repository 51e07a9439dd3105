import js from "@eslint/js";
import compat from "eslint-plugin-compat";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.gen.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  reactHooks.configs.flat.recommended,
  { ...compat.configs["flat/recommended"], files: ["src/**"] }, // nothing that a browser of `browserslist` lacks
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js", "public/*.js"] } } },
    rules: { "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }] },
  },
  { files: ["eslint.config.js", "public/**"], ...tseslint.configs.disableTypeChecked },
  { files: ["public/**"], languageOptions: { globals: { window: "readonly", document: "readonly", self: "readonly", caches: "readonly", fetch: "readonly", URL: "readonly", Promise: "readonly", CSS: "readonly" }, sourceType: "script" } },
  {
    // A feature uses what is shared, never another feature, and nothing of the application round it.
    files: ["src/features/**"],
    rules: { "no-restricted-imports": ["error", { patterns: ["**/features/*", "../overview/*", "../camera/*", "../cameras/*", "../spaces-editor/*", "../system/*", "**/app/**"] }] },
  },
  {
    files: ["src/shared/**", "src/stream/**", "src/api/**", "src/i18n/**"],
    rules: { "no-restricted-imports": ["error", { patterns: ["**/features/**", "**/app/**"] }] },
  },
);
