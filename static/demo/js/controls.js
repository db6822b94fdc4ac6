// The filter form: every setting narrows the grid at once and is reported once it rests.

import { apply } from "./grid.js";
import { range } from "./range.js";

const form = document.querySelector("[data-filters]");
const rate = range(form.querySelector("[data-range]"), {
  onMove: () => refresh(),
  onRelease: () => report("rate", rate.get()),
});

/** The filters as set; one that is not set is not a key. */
function settings() {
  const { search, city, language } = Object.fromEntries(new FormData(form));
  const tags = new FormData(form).getAll("tags").sort();
  const all = { search: search.trim(), city, language, rate: rate.get(), tags };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value?.length));
}

const refresh = () => apply(settings());

function report(filter, value) {
  window.tracker?.trackFilter(filter, value, refresh());
}

/** What Sage calls: replaces all settings. The answer itself is reported, not each filter. */
export function applyFilters({ city = "", language = "", rate: limits, tags = [] }) {
  form.search.value = "";
  form.city.value = city;
  form.language.value = language;
  for (const box of form.querySelectorAll("[name=tags]")) box.checked = tags.includes(box.value);
  rate.set(limits);
  return refresh();
}

form.addEventListener("submit", (event) => event.preventDefault());
form.search.addEventListener("input", () => report("search", form.search.value.trim()));
form.city.addEventListener("change", () => report("city", form.city.value));
form.language.addEventListener("change", () => report("language", form.language.value));
form.addEventListener("change", (event) => {
  if (event.target.name === "tags") report("tags", settings().tags);
});
document.querySelector("[data-clear]").addEventListener("click", () => {
  for (const filter of ["search", "city", "language", "rate", "tags"]) {
    window.tracker?.trackFilter(filter, null);
  }
  applyFilters({});
});
// To who comes back a browser shows the form as they left it, and only now it does.
window.addEventListener("pageshow", () => {
  rate.draw();
  refresh();
});
