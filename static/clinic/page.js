// Small behaviour that every page shares: dialogs, printing, confirmation, messages that go away.
(() => {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      event.preventDefault();
      document.getElementById(opener.dataset.dialog)?.showModal();
    }
    const closer = event.target.closest("[data-close]");
    if (closer) (closer.closest("dialog") || closer.closest(".notice"))?.[closer.closest("dialog") ? "close" : "remove"]();
    if (event.target.closest("[data-print]")) window.print();
  });
  // A form is sent once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const posts = (form.getAttribute("method") || "get").toLowerCase() === "post";
    if (!posts || event.defaultPrevented || form.hasAttribute("hx-post")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
    // Back in the history, or an answer that is a download: the form may be sent again.
    window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
    setTimeout(() => delete form.dataset.sent, 3000);
  });
  function goTo(box, event) {
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  }
  // Alt+1 … Alt+9 open the pages of the navigation, "/" goes to the page's own search box or to the one in the
  // head, Ctrl+K always to that in the head.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.altKey && /^[1-9]$/.test(event.key)) {
      const link = document.querySelectorAll(".bar__nav a")[Number(event.key) - 1];
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      goTo(document.querySelector("main input[type=search]") ?? document.getElementById("find-patient"), event);
    } else if (event.key === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      goTo(document.getElementById("find-patient"), event);
    }
  });
  // <time data-since datetime="…"> says how long ago that was, second by second.
  const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short" });
  const steps = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-since]")) {
      const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
      const [size, unit] = steps.find(([length]) => seconds >= length) ?? steps.at(-1);
      const text = ago.format(-Math.floor(seconds / size), unit);
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);
})();
