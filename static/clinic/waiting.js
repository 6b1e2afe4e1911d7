// Waiting times go on by themselves: .wait[data-since][data-limits="amber,red"], as scheduling/waits.py writes them.
// The server's clock counts, not the workstation's: the page says what time it was when it was made.
(() => {
  const texts = document.getElementById("waiting-texts")?.dataset;
  if (!texts) return;
  const ahead = Date.now() - Date.parse(texts.now);
  const words = (minutes) => {
    if (minutes < 60) return texts.minutes.replace("{m}", minutes);
    if (minutes < 24 * 60) return texts.hours.replace("{h}", Math.floor(minutes / 60)).replace("{m}", String(minutes % 60).padStart(2, "0"));
    return texts.days.replace("{d}", Math.floor(minutes / 1440));
  };

  function tick() {
    const now = Date.now() - ahead;
    for (const wait of document.querySelectorAll(".wait[data-since]")) {
      const minutes = Math.floor((now - Date.parse(wait.dataset.since)) / 60000);
      const [amber, red] = wait.dataset.limits.split(",").map(Number);
      const isLate = wait.dataset.late !== undefined;
      const text = isLate ? texts.late.replace("{time}", words(minutes)) : words(minutes);
      wait.hidden = minutes < 0 || (isLate && minutes === 0);
      wait.dataset.age = minutes < amber ? "calm" : minutes < red ? "amber" : "red";
      if (!wait.hidden && wait.textContent !== text) wait.textContent = text;
    }
  }
  tick();
  setInterval(tick, 5000);
  document.addEventListener("htmx:afterSettle", tick);
})();
