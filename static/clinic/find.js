// Search boxes with results under them: arrow keys walk through the hits, Enter opens one, Escape goes back.
(() => {
  const hitsOf = (box) => [...(document.querySelector(box.dataset.finds)?.querySelectorAll("[data-hit]") ?? [])];
  const boxOf = (hit) => [...document.querySelectorAll("[data-finds]")].find((box) => hitsOf(box).includes(hit));

  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const box = event.target.closest("[data-finds]") ?? boxOf(event.target.closest("[data-hit]"));
    if (!box || (!step && event.key !== "Escape")) return;
    const hits = hitsOf(box);
    const place = hits.indexOf(event.target) + (step ?? 0);
    if (!step) {
      if (event.target === box) box.closest(".find")?.classList.remove("is-open");
      else box.focus();
    } else if (place < 0) {
      box.focus();
    } else if (hits[place]) {
      hits[place].focus();
    } else return;
    event.preventDefault();
  });
  // The panel in the head is open while the keyboard is in it and there is something to show.
  document.addEventListener("htmx:afterSwap", (event) => {
    // Hits that came while one of the last ones had the keyboard: it goes back to the box, not to nowhere.
    const box = event.detail.requestConfig?.elt;
    if (box?.dataset.finds && document.activeElement === document.body) box.focus();
    const find = event.target.closest(".find");
    if (find?.contains(document.activeElement)) find.classList.toggle("is-open", event.target.children.length > 0);
  });
  document.addEventListener("focusout", (event) => {
    const find = event.target.closest(".find");
    if (find && !find.contains(event.relatedTarget)) find.classList.remove("is-open");
  });
  // A click into the panel must not close it before the link is followed.
  document.addEventListener("mousedown", (event) => {
    if (event.target.closest(".find__panel") && !event.target.closest("a")) event.preventDefault();
  });
})();
