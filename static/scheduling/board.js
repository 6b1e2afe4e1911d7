// The board and the lists of visits: menus close when the eye has moved on, the arrow keys walk over the cards,
// and a letter does what the card's buttons do: S the next step, U one step back, M more.
(() => {
  // The pressed button may be gone from its card: the keyboard stays with the patient.
  let card = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "messages") return;
    card = event.detail.target.contains(document.activeElement) ? document.activeElement.closest(".visit")?.id : null;
  });
  for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) document.addEventListener(swapped, () => {
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
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat && event.key.length === 1) return;
    if (event.target.id === "find" && (event.key === "Enter" || event.key === "ArrowDown")) {
      const first = document.querySelector(".visit__name a");
      if (first) { event.preventDefault(); first.focus(); }
      return;
    }
    const here = event.target.closest?.(".visit");
    if (!here) return;
    const button = document.getElementById({ s: `${here.id}-main`, u: `${here.id}-undo`, m: `${here.id}-more` }[event.key.toLowerCase()]);
    if (button) {
      event.preventDefault();
      button.click();
      if (event.key.toLowerCase() === "m") here.querySelector(".menu__item")?.focus();
      return;
    }
    const there = neighbour(here, event.key);
    if (there) {
      event.preventDefault();
      there.querySelector(".visit__name a").focus();
      there.scrollIntoView({ block: "nearest" });
    }
  });

  function neighbour(card, key) {
    if (key === "ArrowDown" || key === "ArrowUp") {
      const around = card.closest(".column, .folded") ?? document;
      const cards = [...around.querySelectorAll(".visit")];
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
