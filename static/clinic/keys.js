// One key, one thing: an element with data-key="n" is clicked when that key is pressed and nobody is typing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const wanted = event.key.toLowerCase();
  const target = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === wanted);
  if (target && !target.disabled) {
    event.preventDefault();
    target.click();
  }
});
