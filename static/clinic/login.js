// Demonstration only: a click on an invented colleague fills in the form.
(() => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-username]");
    if (!button) return;
    const form = document.getElementById("login-form");
    form.elements.username.value = button.dataset.username;
    form.elements.password.value = button.dataset.password;
    form.querySelector("button").focus();
  });
})();
