"use strict";
// Before anything is drawn: the chosen colours, and the class that keeps long tables from being laid out before they are cut.
const root = document.documentElement;
const THEME = "moorage-theme";
root.classList.add("js");
// A failing script must not leave the table hidden.
addEventListener("error", () => root.classList.remove("js"));
try {
  const chosen = localStorage.getItem(THEME);
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
} catch {
  // Sandboxed pages, such as previews of CI artifacts, have no storage; the system's choice holds.
}
