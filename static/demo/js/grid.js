// The expert grid: shows who fits, reports each list it rested on, and the clicks on it.

import { matching } from "./filters.js";

const REST = 700; // ms without a change until a list counts as shown

const list = document.querySelector("[data-grid]");
const cards = new Map([...list.children].map((card) => [card.dataset.expert, card]));
let filters = {};
let shown = [...cards.keys()];
let viewId;
let resting;

/** Shows who fits, and returns how many that are. */
export function apply(wanted) {
  filters = wanted;
  shown = matching(filters).map((expert) => expert.id);
  for (const [id, card] of cards) card.hidden = !shown.includes(id);
  const noun = shown.length === 1 ? "expert" : "experts";
  document.querySelector("[data-count]").textContent = shown.length;
  document.querySelector("[data-count-noun]").textContent = noun;
  document.querySelector("[data-nobody]").hidden = shown.length > 0;
  document.querySelector("[data-clear]").hidden = Object.keys(filters).length === 0;
  clearTimeout(resting);
  viewId = undefined;
  resting = setTimeout(report, REST);
  return shown.length;
}

function report() {
  clearTimeout(resting);
  viewId ??= window.tracker?.trackResults("grid", shown, { filters, result_count: shown.length });
}

list.addEventListener("click", (event) => {
  const id = event.target.closest("[data-expert]")?.dataset.expert;
  if (!id) return;
  report(); // clicked before the list came to rest
  const position = shown.indexOf(id) + 1;
  window.tracker?.trackCardClick(id, "grid", { position, filters, view_id: viewId });
});
