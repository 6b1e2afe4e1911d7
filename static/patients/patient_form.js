// The patient form: one of two readings of a birth date is taken over with a click or a key.
(() => {
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
