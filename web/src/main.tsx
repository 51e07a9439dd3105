import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import "./app/mantine.css";
import "./app/theme.css";
import "./app/shell.css";
import "./shared/ui/ui.css";
import { App } from "./app/App";
import { prepareForOffline } from "./app/offline";
import { loadLanguage } from "./i18n";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no element #root");
}
await loadLanguage(); // before anything is drawn
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
prepareForOffline();
