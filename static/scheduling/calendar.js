// Today's calendar opens where the clock stands, and stays where it was scrolled to when it fetches itself again.
(() => {
  const box = () => document.querySelector(".agenda-wrap");
  const now = document.querySelector(".agenda tr[data-now]");
  if (now) box().scrollTop = now.offsetTop - box().clientHeight / 3;

  let top = 0;
  document.addEventListener("htmx:beforeSwap", () => { top = box()?.scrollTop ?? 0; });
  document.addEventListener("htmx:afterSwap", () => { if (box()) box().scrollTop = top; });
})();
