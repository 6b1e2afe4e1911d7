// The browser knows where the clinic is better than a default does.
(() => {
  const zone = document.getElementById("id_time_zone");
  const country = document.getElementById("id_country");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone.value === "UTC" && [...zone.options].some((option) => option.value === own)) zone.value = own;
  const region = new Intl.Locale(navigator.language).maximize().region;
  if (country.value === "GB" && [...country.options].some((option) => option.value === region)) country.value = region;
})();
