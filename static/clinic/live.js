// Live pages. Elements with data-live="topic topic" get a "live" event when one of their topics changes on
// the server, and after every reconnect; htmx then fetches them again through their normal view
// (hx-trigger="live"). One socket a page. While the socket is down the page says so and since when.
(() => {
  const RETRY_MS = [300, 700, 1500, 3000, 5000];
  const connection = document.getElementById("connection");
  let socket = null;
  let attempts = 0;
  let lostAt = null;
  let openedOnce = false;
  let following = "";
  const due = new Set();
  let timer = null;

  const live = () => [...document.querySelectorAll("[data-live]")];
  const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);
  const wanted = () => [...new Set(live().flatMap(topicsOf))].sort().join(",");

  function flush() {
    timer = null;
    const all = due.has("resync");
    for (const element of live()) {
      if (all || topicsOf(element).some((topic) => due.has(topic))) {
        element.dispatchEvent(new CustomEvent("live", { bubbles: false }));
      }
    }
    due.clear();
  }

  function changed(topic) {
    due.add(topic);
    // Several changes in a row become one fetch; the first is not kept waiting.
    if (timer === null) timer = setTimeout(flush, 60);
  }

  function showLost() {
    if (!connection || lostAt === null) return;
    const time = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" }).format(lostAt);
    connection.textContent = connection.dataset.text.replace("{time}", time);
    connection.hidden = false;
  }

  function connect() {
    following = wanted();
    if (!following) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/ws/live/?topics=${encodeURIComponent(following)}`);
    const mine = socket;
    socket.addEventListener("open", () => {
      attempts = 0;
      lostAt = null;
      if (connection) connection.hidden = true;
      document.documentElement.dataset.connected = "yes";
      // What changed between rendering and connecting, or while away, cannot be known: look once.
      changed("resync");
      openedOnce = true;
    });
    socket.addEventListener("message", (event) => changed(JSON.parse(event.data).topic));
    socket.addEventListener("close", (event) => {
      if (mine !== socket) return;
      socket = null;
      delete document.documentElement.dataset.connected;
      if (event.code === 4401) {
        // Signed out: idle.js takes the password in place, then the socket opens again.
        document.dispatchEvent(new CustomEvent("cedar:signed-out"));
        return;
      }
      if (lostAt === null) lostAt = new Date();
      if (attempts > 0 || openedOnce) showLost();
      setTimeout(connect, RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)]);
    });
  }

  function reconnectIfTopicsChanged() {
    if (!socket || socket.readyState > 1) return;
    if (wanted() === following) return;
    const old = socket;
    socket = null;
    old.close();
    connect();
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const cause = event.detail.triggeringEvent;
    if (cause && (cause.type === "live" || cause.type === "load")) {
      event.detail.headers["X-Cedar-Background"] = "1";
    }
    const token = document.querySelector('meta[name="csrf-token"]');
    if (token) event.detail.headers["X-CSRFToken"] = token.content;
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

  // A live fetch must not take the keyboard away: the focused element is found again by its id.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    focused = active && active.id && event.detail.target.contains(active) ? active.id : null;
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
  });

  // Waiting times grow also when nothing happens.
  setInterval(() => { if (document.visibilityState === "visible" && socket?.readyState === 1) changed("minute"); }, 60000);
  document.addEventListener("cedar:signed-in", () => (socket ? changed("resync") : connect()));
  connect();
})();
