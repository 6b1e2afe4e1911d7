// The report editor on the reading desk: prose editors, autosave, key images, keys, signing.
import { Autosave } from "./autosave.js";
import { LocalCopy } from "./local_copy.js";
import { expandPhrases } from "./phrases.js";

const root = document.getElementById("editor");
const texts = document.getElementById("editor-texts").dataset;
const normal = JSON.parse(document.getElementById("normal-texts").textContent);
const phrases = JSON.parse(document.getElementById("phrases").textContent);
const form = document.getElementById("report-form");
const areas = [...form.querySelectorAll("textarea")];
const entries = [...form.querySelectorAll("[data-field]")];
const editors = new Map();
const initial = Object.fromEntries(areas.map((area) => [area.name, area.value]));

// --- the texts on the screen ----------------------------------------------------------------------
const read = () => Object.fromEntries([
  ...areas.filter((area) => area.value).map((area) => [area.name, area.value]),
  ...entries.filter((entry) => entry.value.trim()).map((entry) => [entry.dataset.field, entry.value.trim()]),
]);
const withoutEmpty = (content) => Object.fromEntries(Object.entries(content).filter(([, html]) => html));

function write(content) {
  for (const [name, editor] of editors) {
    const html = content[name] || "";
    if (editor.getHTML() !== html) editor.commands.setContent(html, { emitUpdate: true });
  }
  for (const entry of entries) setEntry(entry, content[entry.dataset.field] || "");
}

function setEntry(entry, value) {
  // What an older text says of a choice stays to be seen, also when it is not offered any more.
  if (entry.tagName === "SELECT" && ![...entry.options].some((option) => option.value === value)) entry.add(new Option(value));
  entry.value = value;
}

/** What the server made of the fields: results, and what it could not read. */
function showAnswers({ calculated = {}, problems = {} }) {
  for (const output of form.querySelectorAll("[data-calculated]")) output.textContent = calculated[output.dataset.calculated] || "";
  for (const entry of entries) {
    const problem = problems[entry.dataset.field] || "";
    document.getElementById(`problem-${entry.dataset.field}`).textContent = problem;
    entry.setAttribute("aria-invalid", problem ? "true" : "false");
  }
}

/** The sections of `content` that read differently in `other`, as plain text. */
function whatDiffers(content, other) {
  const lines = [];
  for (const area of areas) {
    if (!content[area.name] || content[area.name] === other[area.name]) continue;
    const page = new DOMParser().parseFromString(content[area.name], "text/html");
    const blocks = [...page.body.querySelectorAll("p, li")].filter((block) => !block.querySelector("p, li"));
    const words = (blocks.length ? blocks : [page.body]).map((block) => block.textContent).join("\n");
    lines.push(`${document.getElementById(`title-${area.name}`).textContent.toUpperCase()}\n${words}`);
  }
  for (const entry of entries) {
    const name = entry.dataset.field;
    if (content[name] && content[name] !== other[name]) lines.push(`${entry.labels[0].textContent}: ${content[name]}`);
  }
  return lines.join("\n\n");
}

// --- what the writer is told ----------------------------------------------------------------------
const stateBox = document.getElementById("save-state");
const problemBox = document.getElementById("save-problem");

function notice(kind, words) {
  const box = document.createElement("div");
  box.className = "notice";
  box.dataset.kind = kind;
  box.setAttribute("role", "status");
  const inner = document.createElement("div");
  inner.textContent = words;
  box.append(inner);
  problemBox.replaceChildren(box);
}

function show(state, detail) {
  const short = {
    saved: texts.saved.replace("{time}", detail.time || ""),
    unsaved: texts.unsaved,
    saving: texts.saving,
    offline: texts.offlineShort,
    "signed-out": texts.offlineShort,
    refused: texts.refused,
    conflict: texts.conflict,
  }[state];
  stateBox.dataset.state = state === "signed-out" ? "offline" : state;
  stateBox.querySelector("span").textContent = short;
  if (state === "offline") notice("warning", texts.offline);
  else if (state === "signed-out") notice("warning", texts.signedOut);
  else if (state === "refused") notice("error", detail.words);
  else if (state === "unsaved" && detail.isKept === false) notice("warning", texts.noStorage);
  else if (state === "saved") problemBox.replaceChildren();
}

// --- two texts ------------------------------------------------------------------------------------
function meet(answer) {
  const panel = document.getElementById("conflict-panel").content.cloneNode(true).firstElementChild;
  panel.querySelector("[data-conflict-words]").textContent = answer.error;
  panel.querySelector("[data-mine]").textContent = whatDiffers(read(), answer.content);
  panel.querySelector("[data-theirs]").textContent = whatDiffers(answer.content, read());
  panel.querySelector("[data-saved-at]").textContent = answer.saved_at;
  if (answer.writable) {
    panel.querySelector('[data-keep="mine"]').addEventListener("click", async () => {
      problemBox.replaceChildren();
      await autosave.settle(answer, { replace: true });
    });
    panel.querySelector('[data-keep="theirs"]').addEventListener("click", async () => {
      problemBox.replaceChildren();
      await autosave.settle(answer, { replace: false });
      write(answer.content);
    });
  } else {
    // Signed, or somebody else's by now: nothing can be chosen, the text is set aside on the server.
    panel.querySelector(".form-actions").remove();
    for (const editor of editors.values()) editor.setEditable(false);
    for (const entry of entries) entry.disabled = true;
    autosave.copy.forget();
  }
  problemBox.replaceChildren(panel);
  panel.focus();
  panel.scrollIntoView({ block: "nearest" });
}

const autosave = new Autosave({
  url: root.dataset.saveUrl,
  revision: Number(root.dataset.revision),
  saved: withoutEmpty(initial),
  read,
  show,
  meet,
  told: showAnswers,
  copy: new LocalCopy(root.dataset.report, root.dataset.user),
});

// --- editors --------------------------------------------------------------------------------------
function ready(area, editor) {
  editors.set(area.name, editor);
  expandPhrases(editor, phrases);
  const box = editor.view.dom;
  box.setAttribute("role", "textbox");
  box.setAttribute("aria-multiline", "true");
  box.setAttribute("aria-labelledby", `title-${area.name}`);
  if (editors.size === areas.length) allReady();
}

function allReady() {
  // The editor writes HTML in its own way: that alone is no change to be saved.
  for (const area of areas) {
    const html = editors.get(area.name).getHTML();
    if (area.value) area.value = html;
  }
  autosave.saved = read();
  const kept = autosave.copy.find();
  if (kept && JSON.stringify(kept.content) !== JSON.stringify(read())) {
    // Typed on top of an older revision it meets the saved text on the server, and both are shown.
    autosave.revision = kept.revision;
    write(kept.content);
    notice("info", texts.restored);
    autosave.save();
  } else {
    autosave.copy.forget();
  }
  showAnswers(JSON.parse(document.getElementById("field-answers").textContent));
  form.addEventListener("input", () => autosave.changed());
  root.dataset.ready = "yes";
}

form.addEventListener("submit", (event) => event.preventDefault());
for (const area of areas) {
  area.addEventListener("prose-editor:ready", (event) => ready(area, event.detail.editor), { once: true });
}

// --- normal text ----------------------------------------------------------------------------------
const isEmpty = (name) => editors.get(name).isEmpty;

function insertNormal(name) {
  if (!normal[name]) return;
  const chain = editors.get(name).chain().focus("end");
  if (isEmpty(name)) chain.setContent(normal[name], { emitUpdate: true }).focus("end").run();
  else chain.insertContent(normal[name]).run();
}

function fillEmpty() {
  for (const area of areas) {
    if (normal[area.name] && isEmpty(area.name)) editors.get(area.name).commands.setContent(normal[area.name], { emitUpdate: true });
  }
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert-normal]");
  if (button) insertNormal(button.dataset.insertNormal);
});
document.getElementById("all-normal").addEventListener("click", fillEmpty);

// --- key images -----------------------------------------------------------------------------------
document.addEventListener("cedar:key-image", (event) => {
  htmx.ajax("POST", root.dataset.imageUrl, {
    target: "#report-images",
    swap: "innerHTML",
    values: { key_image: event.detail.id, caption: event.detail.caption || "" },
  });
});

// --- signing, another template, handing back: first everything is saved ---------------------------
const dialog = document.getElementById("sign-dialog");

async function openSigning() {
  if (!(await autosave.save())) return;
  await htmx.ajax("GET", root.dataset.signUrl, { target: "#sign-body", swap: "innerHTML" });
  if (!dialog.open) dialog.showModal();
  document.getElementById("sign-password")?.focus();
}
document.getElementById("sign").addEventListener("click", openSigning);
document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "sign-body" && dialog.open) document.getElementById("sign-password")?.focus();
});

async function sendWhenSaved(target) {
  if (await autosave.save()) target.submit();
}
document.getElementById("template-form").addEventListener("change", (event) => sendWhenSaved(event.currentTarget));
document.getElementById("hand-back-form").addEventListener("submit", (event) => {
  event.preventDefault();
  sendWhenSaved(event.currentTarget);
});

// --- keys -----------------------------------------------------------------------------------------
function currentSection() {
  return document.activeElement?.closest("[data-section]")?.dataset.section;
}

function goTo(name) {
  const editor = editors.get(name);
  if (!editor) return;
  // At once: the command waits for the next frame, and the next key may come before it.
  editor.view.focus();
  editor.commands.focus("end", { scrollIntoView: true });
}

function step(by) {
  const names = areas.map((area) => area.name);
  const place = names.indexOf(currentSection());
  goTo(names[Math.max(0, Math.min(names.length - 1, place + by))]);
}

document.addEventListener("keydown", (event) => {
  if (dialog.open) return;
  const section = currentSection();
  const plainAlt = event.altKey && !event.ctrlKey && !event.metaKey;
  const control = event.ctrlKey || event.metaKey;
  let action = null;
  if (plainAlt && event.code === "KeyN") action = () => (event.shiftKey || !section ? fillEmpty() : insertNormal(section));
  else if (plainAlt && event.code === "KeyR") action = () => goTo("findings");
  else if (plainAlt && event.key === "ArrowDown") action = () => step(1);
  else if (plainAlt && event.key === "ArrowUp") action = () => step(-1);
  else if (control && event.key === "Enter") action = openSigning;
  else if (control && event.code === "KeyS") action = () => autosave.save();
  else if (event.key === "Escape" && section) action = () => (document.querySelector(".pane") || document.getElementById("editor-scroll")).focus();
  if (!action) return;
  event.preventDefault();
  event.stopPropagation();
  action();
}, true);
