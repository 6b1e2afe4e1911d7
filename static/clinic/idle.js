// A session ends when nobody uses it. Shortly before, the page asks; afterwards it covers itself and takes
// the password in place, so that what was typed stays. Typing and clicking count as use.
(() => {
  const warning = document.getElementById("idle-warning");
  const locked = document.getElementById("idle-locked");
  if (!warning || !locked) return;
  const total = Number(warning.dataset.seconds);
  const warnAt = Math.min(90, total / 3);
  const pingEvery = Math.min(60, total / 4) * 1000;
  let endsAt = Date.now() + total * 1000;
  let lastPing = Date.now();
  let asking = false;

  const left = () => Math.round((endsAt - Date.now()) / 1000);
  const isLocked = () => locked.open;

  // With use=true the session is extended, else only looked at: another tab may have extended it.
  async function ask(use) {
    if (asking) return;
    asking = true;
    try {
      const headers = { Accept: "application/json" };
      if (!use) headers["X-Cedar-Background"] = "1";
      const answer = await fetch(warning.dataset.sessionUrl, { headers, cache: "no-store" });
      const state = await answer.json();
      endsAt = Date.now() + state.seconds_left * 1000;
      if (state.user === null) lock();
      else if (String(state.user) !== warning.dataset.user) location.reload();
    } catch {
      // The server is away: it says so elsewhere, and nothing is lost by waiting.
      endsAt = Math.max(endsAt, Date.now() + (warnAt + 5) * 1000);
    } finally {
      asking = false;
    }
  }

  function used(event) {
    if (isLocked() || !event.isTrusted) return;
    if (left() <= 0) { tick(); return; }
    if (warning.open) { stay(); return; }
    if (Date.now() - lastPing > pingEvery) {
      lastPing = Date.now();
      ask(true);
    }
  }

  function stay() {
    lastPing = Date.now();
    if (warning.open) warning.close();
    ask(true);
  }

  function lock() {
    if (warning.open) warning.close();
    if (isLocked()) return;
    locked.querySelector("a").href = `${warning.dataset.loginUrl}?next=${encodeURIComponent(location.pathname + location.search)}`;
    locked.showModal();
  }

  async function tick() {
    if (isLocked()) return;
    if (left() <= warnAt && !warning.open) await ask(false);
    if (isLocked() || left() > warnAt) {
      if (warning.open) warning.close();
      return;
    }
    // Only the server ends a session; until it has, it is asked again each second.
    if (left() <= 0) { await ask(false); return; }
    if (!warning.open) warning.showModal();
    const seconds = Math.max(0, left());
    document.getElementById("idle-left").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  async function signIn(event) {
    event.preventDefault();
    const form = event.target;
    const error = document.getElementById("idle-error");
    const body = new URLSearchParams(new FormData(form));
    const token = document.querySelector('meta[name="csrf-token"]');
    let answer, state;
    try {
      answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token.content } });
      state = await answer.json();
    } catch {
      location.reload();
      return;
    }
    form.elements.password.value = "";
    if (!answer.ok) {
      error.textContent = state.error;
      error.hidden = false;
      form.elements.password.focus();
      return;
    }
    error.hidden = true;
    token.content = state.csrf;
    for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = state.csrf;
    endsAt = Date.now() + total * 1000;
    lastPing = Date.now();
    locked.close();
    document.dispatchEvent(new CustomEvent("cedar:signed-in"));
  }

  for (const name of ["keydown", "pointerdown", "wheel", "input"]) document.addEventListener(name, used, { capture: true, passive: true });
  document.getElementById("idle-stay").addEventListener("click", stay);
  document.getElementById("idle-form").addEventListener("submit", signIn);
  locked.addEventListener("cancel", (event) => event.preventDefault());
  document.addEventListener("cedar:signed-out", () => ask(false));
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") tick(); });
  setInterval(tick, 1000);
})();
