// The patient form: one of two readings of a birth date is taken over with a click or a key; “use this patient”
// sends the form as it is, also on pages where htmx would send it elsewhere.
(() => {
  document.addEventListener("click", (event) => {
    const taker = event.target.closest("button[data-takes]");
    if (!taker) return;
    event.preventDefault();
    const form = taker.form;
    form.action = taker.formAction;
    form.submit();
  });
  // Alt+U is the first of them, from wherever in the form.
  document.addEventListener("keydown", (event) => {
    const taker = document.querySelector("button[data-takes]");
    if (!taker || !event.altKey || event.ctrlKey || event.code !== "KeyU") return;
    event.preventDefault();
    taker.click();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    const field = document.querySelector(`[name="${button.dataset.fill}"]`);
    field.value = button.dataset.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    const fields = [...field.form.querySelectorAll("input:not([type=hidden]), select, textarea")];
    (fields[fields.indexOf(field) + 1] || field).focus();
  });
})();
