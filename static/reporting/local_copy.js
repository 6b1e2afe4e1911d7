// What is typed and not saved yet, kept in this browser until the server has it.
// One copy a window: two windows of the same report never overwrite each other's.
const ALIVE_MS = 20_000;

function windowId() {
  try {
    let id = sessionStorage.getItem("cedar-window");
    if (!id) {
      id = Math.random().toString(36).slice(2);
      sessionStorage.setItem("cedar-window", id);
    }
    return id;
  } catch {
    return "only";
  }
}

export class LocalCopy {
  constructor(report, user) {
    this.prefix = `cedar-report:${report}:${user}:`;
    this.key = this.prefix + windowId();
  }

  /** Keep `content`, typed on top of `revision`. False when this browser keeps nothing. */
  keep(revision, content) {
    try {
      localStorage.setItem(this.key, JSON.stringify({ revision, content, at: Date.now() }));
      return true;
    } catch {
      return false;
    }
  }

  forget() {
    try { localStorage.removeItem(this.key); } catch { /* nothing was kept */ }
  }

  /** The copy of this window, else one left by a window that is gone. It belongs to this window from now on. */
  find() {
    try {
      const own = localStorage.getItem(this.key);
      if (own) return JSON.parse(own);
      for (const key of Object.keys(localStorage)) {
        if (!key.startsWith(this.prefix)) continue;
        const copy = JSON.parse(localStorage.getItem(key));
        if (Date.now() - copy.at < ALIVE_MS) continue;
        localStorage.setItem(this.key, JSON.stringify(copy));
        localStorage.removeItem(key);
        return copy;
      }
    } catch { /* unreadable or not allowed: as if there were none */ }
    return null;
  }
}
