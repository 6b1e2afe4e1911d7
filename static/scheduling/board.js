// The board and the lists of visits: what is open stays open when the page fetches itself again, menus close
// when the eye has moved on, and the arrow keys walk over the cards.
(() => {
  let open = [];
  let card = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "messages") return;
    open = [...event.detail.target.querySelectorAll("details[open][id]")].map((element) => element.id);
    card = event.detail.target.contains(document.activeElement) ? document.activeElement.closest(".visit")?.id : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    open = [];
    // The pressed button may be gone from its card: the keyboard stays with the patient.
    if (card && document.activeElement === document.body) document.getElementById(`${card}-link`)?.focus({ preventScroll: true });
  });

  const menus = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (event) => {
    for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("htmx:beforeRequest", (event) => event.target.closest?.("details.menu")?.removeAttribute("open"));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const menu of menus()) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const here = event.target.closest?.(".visit");
    if (!here) return;
    const there = neighbour(here, event.key);
    if (there) {
      event.preventDefault();
      there.querySelector(".visit__name a").focus();
      there.scrollIntoView({ block: "nearest" });
    }
  });

  function neighbour(card, key) {
    if (key === "ArrowDown" || key === "ArrowUp") {
      const cards = [...card.parentElement.querySelectorAll(":scope > .visit")];
      return cards[cards.indexOf(card) + (key === "ArrowDown" ? 1 : -1)];
    }
    if (key !== "ArrowLeft" && key !== "ArrowRight") return null;
    const columns = [...document.querySelectorAll(".column")].filter((column) => column.querySelector(".visit"));
    const column = columns[columns.indexOf(card.closest(".column")) + (key === "ArrowRight" ? 1 : -1)];
    if (!column) return null;
    const cards = [...column.querySelectorAll(".visit")];
    const middle = card.getBoundingClientRect().top;
    return cards.reduce((best, each) =>
      Math.abs(each.getBoundingClientRect().top - middle) < Math.abs(best.getBoundingClientRect().top - middle) ? each : best);
  }
})();
