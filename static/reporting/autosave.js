// Saves the report a moment after typing stops, and at the latest every few seconds. Nothing typed is lost:
// until the server has answered, the text is also in the browser's local copy.
//
// States told to `show`: saved, unsaved, saving, offline, signed-out, refused, conflict.
const QUIET_MS = 1200;
const LONGEST_MS = 5000;
const RETRY_MS = 3000;
const HEARTBEAT_MS = 5000;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function csrfToken() {
  // The cookie, because signing in again in another window changes it under an open page.
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return cookie ? decodeURIComponent(cookie[1]) : document.querySelector('meta[name="csrf-token"]').content;
}

export class Autosave {
  /** `read()` gives the texts on the screen; `show(state, detail)` tells the writer; `meet(answer)` shows a conflict;
   *  `told(answer)` shows what the server worked out of what it saved. */
  constructor({ url, revision, saved, read, show, meet, told, copy }) {
    Object.assign(this, { url, revision, saved, read, show, meet, told, copy });
    this.state = "saved";
    this.sending = null;
    this.quietTimer = null;
    this.firstUnsaved = null;
    setInterval(() => this.isDirty() && this.keepLocally(), HEARTBEAT_MS);
    window.addEventListener("online", () => this.state === "offline" && this.save({ inBackground: true }));
    for (const moment of ["pagehide", "visibilitychange"]) {
      window.addEventListener(moment, () => {
        if (!this.isDirty()) return;
        this.keepLocally();
        if (document.visibilityState === "hidden") this.save();
      });
    }
  }

  isDirty() {
    return !same(this.read(), this.saved);
  }

  keepLocally() {
    return this.copy.keep(this.revision, this.read());
  }

  /** Something was typed. */
  changed() {
    if (this.state === "conflict") {
      this.keepLocally();
      return;
    }
    if (!this.isDirty()) return;
    const isKept = this.keepLocally();
    if (this.state !== "offline" && this.state !== "signed-out") this.tell("unsaved", { isKept });
    this.firstUnsaved ??= Date.now();
    const wait = Math.max(0, Math.min(QUIET_MS, this.firstUnsaved + LONGEST_MS - Date.now()));
    clearTimeout(this.quietTimer);
    this.quietTimer = setTimeout(() => this.save(), wait);
  }

  tell(state, detail = {}) {
    this.state = state;
    this.show(state, detail);
  }

  /** Save now. Resolves to true when everything on the screen is on the server. */
  async save({ inBackground = false, replace = false } = {}) {
    clearTimeout(this.quietTimer);
    if (this.sending) await this.sending;
    if (this.state === "conflict" && !replace) return false;
    if (!this.isDirty() && !replace) return true;
    this.sending = this.send({ inBackground, replace });
    const isSaved = await this.sending;
    this.sending = null;
    if (isSaved && this.isDirty()) {
      this.changed();
      return false;
    }
    return isSaved;
  }

  async send({ inBackground, replace }) {
    const content = this.read();
    this.keepLocally();
    if (this.state !== "offline" && this.state !== "signed-out") this.tell("saving");
    let response;
    try {
      response = await fetch(this.url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-CSRFToken": csrfToken(),
          // Typing is a person at the desk; trying again later is not.
          ...(inBackground ? { "X-Cedar-Background": "1" } : {}),
        },
        body: JSON.stringify({ revision: this.revision, content, replace }),
      });
    } catch {
      return this.retryLater("offline");
    }
    return this.answered(response, content);
  }

  async answered(response, content) {
    if (response.type === "opaqueredirect" || response.status === 401) return this.retryLater("signed-out");
    const isJson = (response.headers.get("Content-Type") || "").includes("json");
    if (!isJson) return this.retryLater(response.status === 403 ? "signed-out" : "offline");
    const answer = await response.json();
    if (response.ok) {
      this.revision = answer.revision;
      this.saved = content;
      this.firstUnsaved = null;
      if (!this.isDirty()) this.copy.forget();
      this.tell("saved", { time: answer.saved_at });
      this.told(answer);
      return true;
    }
    if (response.status === 409) {
      this.tell("conflict", { words: answer.error });
      this.meet(answer);
      return false;
    }
    if (response.status >= 500) return this.retryLater("offline");
    this.tell("refused", { words: answer.error });
    return false;
  }

  retryLater(state) {
    this.tell(state);
    clearTimeout(this.quietTimer);
    this.quietTimer = setTimeout(() => this.save({ inBackground: true }), RETRY_MS);
    return false;
  }

  /** After a conflict: go on from what the server has. `replace` sends the text on the screen over it. */
  async settle(answer, { replace }) {
    this.revision = answer.revision;
    this.saved = answer.content;
    this.state = "unsaved";
    if (replace) return this.save({ replace: true });
    this.copy.forget();
    this.tell("saved", { time: answer.saved_at });
    return true;
  }
}
