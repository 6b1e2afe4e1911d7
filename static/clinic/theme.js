// Light, dark or the system's choice, decided before the first paint. A page may prefer dark (reading room).
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try { return localStorage.getItem("cedar-theme"); } catch { return null; }
  }
  function apply() {
    const wanted = chosen() || root.dataset.themeDefault || (system.matches ? "dark" : "light");
    root.dataset.theme = wanted;
  }
  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    try { localStorage.setItem("cedar-theme", next); } catch { /* private mode: for this page only */ }
    root.dataset.theme = next;
  });
})();
