// "Choose all on this page": the boxes that the list has now. A preview that cannot be made says so.
(() => {
  document.addEventListener("change", (event) => {
    const name = event.target.dataset?.checkAll;
    if (!name) return;
    for (const box of document.getElementsByName(name)) box.checked = event.target.checked;
  });
  for (const picture of document.querySelectorAll("img[data-or]")) {
    const say = () => picture.replaceWith(picture.dataset.or);
    if (picture.complete && picture.naturalWidth === 0) say();
    picture.addEventListener("error", say);
  }
})();
