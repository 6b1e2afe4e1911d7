// A reader's own phrases: a dot, the short name and a space become the text.
const SHORTCUT = /(?:^|[\s\u0000])(\.([\p{L}\p{N}_-]{1,20})[ \u00a0])$/u;

/** Watches `editor` and writes out the phrases (`{"nl": "<p>…</p>"}`) as their names are typed. */
export function expandPhrases(editor, phrases) {
  editor.on("update", () => {
    const { from, empty, $from } = editor.state.selection;
    if (!empty) return;
    const before = $from.parent.textBetween(Math.max(0, $from.parentOffset - 30), $from.parentOffset, null, "\u0000");
    const typed = before.match(SHORTCUT);
    const html = typed && phrases[typed[2].toLowerCase()];
    if (!html) return;
    // One paragraph goes into the line; more than one stand by themselves.
    const page = new DOMParser().parseFromString(html, "text/html");
    const isLine = page.body.children.length === 1 && page.body.firstElementChild.tagName === "P";
    const content = isLine ? `${page.body.firstElementChild.innerHTML} ` : html;
    editor.chain().insertContentAt({ from: from - typed[1].length, to: from }, content).run();
  });
}
