// Live pages. Elements with data-live="topic topic" get a "live" event when one of their topics changes on
// the server, and after every reconnect; htmx then fetches them again through their normal view
// (hx-trigger="live"). One socket a page. Whenever the page may be behind the truth it says so, and since when.
(() => {
  const RETRY_MS = [300, 700, 1500, 3000, 5000];
  const ASK_MS = 8000; // so often the page asks whether the server is still there …
  const SILENCE_MS = 20000; // … and after so long without a word it is not
  const PAUSE_MS = 400; // between two fetches of one element; longer when the server is slow
  const HOLD_MS = 8000; // so long a swap waits for a hand that is in the middle of something
  const connection = document.getElementById("connection");
  let socket = null;
  let attempts = 0;
  let following = "";
  let heard = Date.now();
  let fresh = new Date(); // when the page last showed what is true
  const behind = new Set(); // elements whose last fetch failed, or that were not fetched since the socket opened
  const states = new WeakMap(); // element → {timer, started, took, since}

  const live = () => [...document.querySelectorAll("[data-live]")];
  const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
  const wanted = () => [...new Set(live().flatMap(topicsOf))].sort().join(",");
  const isOpen = () => socket?.readyState === WebSocket.OPEN;
  const isLive = (event) => ["live", "moved"].includes(event.detail.requestConfig?.triggeringEvent?.type);

  function stateOf(element) {
    if (!states.has(element)) states.set(element, { timer: null, started: 0, took: 0, since: 0 });
    return states.get(element);
  }

  // --- what is shown about the connection ---------------------------------------------------------------

  function show() {
    for (const element of behind) if (!element.isConnected) behind.delete(element);
    const isBehind = following !== "" && (!isOpen() || behind.size > 0);
    if (!isBehind) {
      fresh = new Date();
      document.documentElement.dataset.connected = "yes";
    } else if (!isOpen()) delete document.documentElement.dataset.connected;
    if (!connection) return;
    const isWorthSaying = isBehind && Date.now() - fresh.getTime() > 1000;
    if (isWorthSaying) {
      const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" }).format(fresh);
      connection.textContent = connection.dataset.text.replace("{time}", time);
    }
    connection.hidden = !isWorthSaying;
  }
  setInterval(show, 1000);

  // --- fetching -----------------------------------------------------------------------------------------

  function changed(topic) {
    for (const element of live()) if (topic === "resync" || topicsOf(element).includes(topic)) plan(element);
  }

  function plan(element, delay = 20 + Math.random() * 60) {
    const state = stateOf(element);
    if (state.timer !== null) return;
    const pause = state.started + Math.max(PAUSE_MS, 2 * state.took) - Date.now();
    state.timer = setTimeout(() => fetch(element), Math.max(delay, pause));
  }

  function fetch(element) {
    const state = stateOf(element);
    state.timer = null;
    if (!element.isConnected) return;
    state.since ||= Date.now();
    if (isBusy(element) && Date.now() - state.since < HOLD_MS) return plan(element, 200);
    state.since = 0;
    state.started = Date.now();
    element.dispatchEvent(new CustomEvent("live", { bubbles: false }));
  }

  document.addEventListener("htmx:afterRequest", (event) => {
    const element = event.detail.elt;
    if (!element.dataset?.live) return;
    const state = stateOf(element);
    if (state.started) state.took = Date.now() - state.started;
    if (event.detail.successful) {
      // While a newer change waits to be fetched the page is not behind for longer than the pause.
      behind.delete(element);
    } else {
      behind.add(element);
      plan(element, 2000);
    }
    show();
  });

  // --- the socket ---------------------------------------------------------------------------------------

  function connect() {
    following = wanted();
    if (!following) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const mine = new WebSocket(`${scheme}://${location.host}/ws/live/?topics=${encodeURIComponent(following)}`);
    socket = mine;
    mine.addEventListener("open", () => {
      attempts = 0;
      heard = Date.now();
      // What changed between rendering and connecting, or while away, cannot be known: look once.
      for (const element of live()) behind.add(element);
      changed("resync");
    });
    mine.addEventListener("message", (event) => {
      heard = Date.now();
      changed(JSON.parse(event.data).topic);
    });
    mine.addEventListener("close", (event) => { if (mine === socket) lost(event.code); });
  }

  function lost(code) {
    const old = socket;
    socket = null;
    old?.close();
    show();
    // Signed out: idle.js takes the password in place, then the socket opens again.
    if (code === 4401) document.dispatchEvent(new CustomEvent("cedar:signed-out"));
    else setTimeout(() => { if (!socket) connect(); }, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
  }

  // A pulled cable or a sleeping laptop closes no socket: silence does.
  setInterval(() => {
    if (!isOpen()) return;
    if (Date.now() - heard > SILENCE_MS) lost(0);
    else socket.send('{"ask": "pulse"}');
  }, ASK_MS);
  window.addEventListener("offline", () => { if (socket) lost(0); });

  function reconnectIfTopicsChanged() {
    if (!isOpen() || wanted() === following) return;
    const old = socket;
    socket = null;
    old.close();
    connect();
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, headers, triggeringEvent: cause } = event.detail;
    if (cause && (cause.type === "live" || cause.type === "load")) headers["X-Cedar-Background"] = "1";
    if (elt.hasAttribute("data-parts")) {
      const parts = [...elt.querySelectorAll(":scope > [data-version]")];
      headers["X-Cedar-Have"] = parts.map((part) => `${part.id}:${part.dataset.version}`).join(" ");
    }
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) headers["X-CSRFToken"] = token.content;
  });
  // A refused request (4xx) shows the server's words; a server that is away keeps what is on the page.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const status = event.detail.xhr.status;
    if (status >= 400 && status < 500 && event.detail.xhr.getResponseHeader("HX-Retarget")) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  document.addEventListener("htmx:afterSettle", reconnectIfTopicsChanged);

  // --- a live fetch must not disturb the hand -----------------------------------------------------------

  let isPressed = false;
  let isComposing = false;
  for (const [type, value] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    // The click comes just after the pointer is up.
    document.addEventListener(type, () => { if (value) isPressed = true; else setTimeout(() => { isPressed = false; }, 50); }, true);
  }
  document.addEventListener("compositionstart", () => { isComposing = true; });
  document.addEventListener("compositionend", () => { isComposing = false; });

  function isBusy(element) {
    const active = document.activeElement;
    if (isPressed) return true;
    if (element.contains(active) && (isComposing || active.matches("select, input[type=date], input[type=time]"))) return true;
    const selection = window.getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.rangeCount && selection.containsNode(element, true));
  }

  let keeps = null;
  const fieldsOf = (target) => target.querySelectorAll("input[id], textarea[id], select[id]");
  const isTyped = (field) => (field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked
    : field.matches("select") ? ![...field.options].every((option) => option.selected === option.defaultSelected)
      : field.matches("[type=hidden]") ? false : field.value !== field.defaultValue);

  function remember(target) {
    const active = document.activeElement;
    if (active?.id && target.contains(active)) {
      keeps.focus = active.id;
      try { keeps.range = [active.selectionStart, active.selectionEnd]; } catch { keeps.range = null; }
    }
    for (const field of fieldsOf(target)) if (isTyped(field)) keeps.typed.set(field.id, field.matches("[type=checkbox], [type=radio]") ? field.checked : field.value);
    for (const one of target.querySelectorAll("details[open][id]")) keeps.open.add(one.id);
    for (const one of target.querySelectorAll("dialog[open][id]")) keeps.dialogs.add(one.id);
    for (const one of target.querySelectorAll("[data-keep-scroll][id]")) keeps.scrolled.set(one.id, [one.scrollLeft, one.scrollTop]);
  }

  function restore() {
    for (const id of keeps.open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, value] of keeps.typed) {
      const field = document.getElementById(id);
      if (field) field[typeof value === "boolean" ? "checked" : "value"] = value;
    }
    for (const id of keeps.dialogs) {
      const dialog = document.getElementById(id);
      if (dialog && !dialog.open) dialog.showModal();
    }
    for (const [id, [left, top]] of keeps.scrolled) document.getElementById(id)?.scrollTo(left, top);
    const field = keeps.focus && document.getElementById(keeps.focus);
    if (field) {
      if (document.activeElement !== field) field.focus({ preventScroll: true });
      if (keeps.range && keeps.range[0] !== null) try { field.setSelectionRange(...keeps.range); } catch { /* not a text field */ }
    }
    if (Math.abs(window.scrollY - keeps.top) > 1) window.scrollTo(window.scrollX, keeps.top);
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    keeps = null;
    if (!isLive(event)) return;
    if (isPressed) {
      event.detail.shouldSwap = false;
      plan(event.detail.elt, 200);
      return;
    }
    keeps = { focus: null, range: null, typed: new Map(), open: new Set(), dialogs: new Set(), scrolled: new Map(), top: window.scrollY };
    remember(event.detail.target);
  });
  document.addEventListener("htmx:afterSwap", () => { if (keeps) restore(); });
  document.addEventListener("htmx:oobAfterSwap", () => { if (keeps) restore(); });

  // What depends on the clock alone is looked at when a minute has passed.
  setInterval(() => { if (document.visibilityState === "visible" && isOpen()) changed("minute"); }, 60000);
  document.addEventListener("cedar:signed-in", () => (socket ? changed("resync") : connect()));
  connect();
})();
