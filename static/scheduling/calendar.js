// The calendar: opens where the clock stands, keeps its place when it fetches itself again, and is worked by
// keyboard (arrows, Enter, M) or by dragging. Without this script every time and visit is a plain link.
(() => {
  const box = () => document.querySelector(".agenda-wrap");
  const now = document.querySelector(".agenda tr[data-now]");
  if (now) box().scrollTop = now.offsetTop - box().clientHeight / 3;

  const cells = () => [...document.querySelectorAll(".agenda [data-cell]")];
  const lane = (cell) => Number(cell.dataset.lane);
  const row = (cell) => Number(cell.dataset.row);
  let moving = null; // the visit that looks for another time: its id, address, kind and name
  let dragging = false;
  let missed = false; // the page wanted to fetch itself while something was dragged

  // --- one stop for the Tab key, the arrows do the rest ---------------------------------------------
  function settle(current) {
    const all = cells();
    const stop = current ?? all.find((cell) => cell.dataset.at) ?? all[0];
    for (const cell of all) cell.tabIndex = cell === stop ? 0 : -1;
    showMoving();
  }

  function neighbour(cell, key) {
    const all = cells();
    const mine = all.filter((each) => lane(each) === lane(cell)).sort((a, b) => row(a) - row(b));
    const place = mine.indexOf(cell);
    if (key === "ArrowDown") return mine[place + 1];
    if (key === "ArrowUp") return mine[place - 1];
    if (key === "Home") return mine[0];
    if (key === "End") return mine.at(-1);
    const lanes = [...new Set(all.map(lane))].sort((a, b) => a - b);
    const other = lanes[lanes.indexOf(lane(cell)) + (key === "ArrowRight" ? 1 : -1)];
    const there = all.filter((each) => lane(each) === other);
    const gap = (each) => Math.abs(row(each) - row(cell));
    return there.reduce((best, each) => (best && gap(best) <= gap(each) ? best : each), undefined);
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape" && moving) {
      const back = document.getElementById(moving.id);
      stopMoving();
      back?.focus();
      return;
    }
    const cell = event.target.closest?.("[data-cell]");
    if (!cell) return;
    if (["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      event.preventDefault();
      focus(neighbour(cell, event.key));
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      event.preventDefault();
      document.getElementById(event.key === "PageDown" ? "after" : "before").click();
    } else if (event.key.toLowerCase() === "m" && cell.dataset.move) {
      event.preventDefault();
      startMoving(cell);
    } else if (event.key === "Enter" && moving && cell.dataset.at) {
      event.preventDefault();
      moveTo(cell);
    }
  });

  function focus(cell) {
    if (!cell) return;
    settle(cell);
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // --- moving a visit --------------------------------------------------------------------------------
  function startMoving(cell) {
    moving = { id: cell.id, url: cell.dataset.move, kind: cell.dataset.kind, who: cell.dataset.who, seen: cell.dataset.status };
    showMoving();
  }

  function stopMoving() {
    moving = null;
    showMoving();
  }

  function showMoving() {
    const notice = document.getElementById("moving");
    if (!notice) return;
    notice.hidden = !moving;
    document.getElementById("moving-who").textContent = moving ? `${moving.who}:` : "";
    for (const cell of cells()) cell.classList.toggle("is-moving", moving?.id === cell.id);
    box()?.classList.toggle("is-choosing", Boolean(moving));
  }

  function moveTo(cell) {
    const [field, pk] = cell.dataset.place.split("=");
    const values = { [field]: pk, starts_at: cell.dataset.at, seen: moving.seen, stay: "1", tell: "1" };
    const url = moving.url;
    stopMoving();
    htmx.ajax("POST", url, { source: document.getElementById("move"), target: "#messages", swap: "innerHTML", values });
  }

  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.(".slot-free");
    if (!cell || !moving) return;
    event.preventDefault();
    moveTo(cell);
  });

  document.addEventListener("dragstart", (event) => {
    const cell = event.target.closest?.("[data-move]");
    if (!cell) return;
    dragging = true;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", cell.dataset.who);
    startMoving(cell);
  });
  document.addEventListener("dragover", (event) => {
    const target = dragging && event.target.closest?.("td")?.querySelector(".slot-free");
    for (const over of document.querySelectorAll(".is-target")) if (over !== target) over.classList.remove("is-target");
    if (!target) return;
    event.preventDefault();
    target.classList.add("is-target");
  });
  document.addEventListener("drop", (event) => {
    const target = dragging && event.target.closest?.("td")?.querySelector(".slot-free");
    if (!target) return;
    event.preventDefault();
    moveTo(target);
  });
  document.addEventListener("dragend", () => {
    dragging = false;
    for (const over of document.querySelectorAll(".is-target")) over.classList.remove("is-target");
    stopMoving();
    if (missed) document.getElementById("calendar").dispatchEvent(new CustomEvent("live"));
    missed = false;
  });

  // --- when the page fetches itself again --------------------------------------------------------------
  let top = 0;
  let left = 0;
  let stop = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "calendar") return;
    if (dragging) {
      event.detail.shouldSwap = false;
      missed = true;
      return;
    }
    top = box()?.scrollTop ?? 0;
    left = box()?.scrollLeft ?? 0;
    stop = document.activeElement?.closest?.("[data-cell]")?.id ?? null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "calendar" || !box()) return;
    box().scrollTop = top;
    box().scrollLeft = left;
    settle(stop ? document.getElementById(stop) : undefined);
  });
  settle();
})();
