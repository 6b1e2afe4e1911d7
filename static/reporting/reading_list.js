// "N" opens the next study, wherever the keyboard is on the page.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (event.key.toLowerCase() !== "n") return;
  const button = document.getElementById("open-next");
  if (button && !button.disabled) {
    event.preventDefault();
    button.click();
  }
});
