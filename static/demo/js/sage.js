// Sage's panel: asks, waits, shows the answer. The query is reported when the answer is there.

import { applyFilters } from "./controls.js";
import { experts } from "./filters.js";

const talk = document.querySelector("[data-sage-talk]");
const form = document.querySelector("[data-sage-ask]");
const known = new Map(experts.map((expert) => [expert.id, expert]));

async function fetchAnswer(query) {
  const response = await fetch(`/demo/sage?q=${encodeURIComponent(query)}`);
  if (!response.ok) throw new Error(`Sage answered ${response.status}`);
  return response.json();
}

async function ask(query) {
  say("asked", query);
  const waiting = say("said waiting", "Looking …");
  const answer = fetchAnswer(query);
  const viewId = window.tracker?.trackSage(query, answer.then((found) => ({
    function_called: found.function_called,
    result_count: found.result_count,
    expert_ids: found.expert_ids,
    zero_results: found.result_count === 0,
  })));
  try {
    show(await answer, viewId);
  } catch {
    say("said", "I could not reach my notes. Ask me again in a moment.");
  }
  waiting.remove();
}

function show(found, viewId) {
  if (found.function_called === "apply_filters") applyFilters(found.filters);
  say("said", found.reply);
  if (!found.expert_ids.length) return;
  const list = document.createElement("ol");
  list.className = "finds";
  list.append(...found.expert_ids.map((id, index) => find(known.get(id), index + 1, viewId)));
  add(list);
}

function find(expert, position, viewId) {
  const item = document.getElementById("find").content.cloneNode(true);
  const link = item.querySelector("a");
  link.href = `/demo/experts/${expert.id}`;
  link.addEventListener("click", () =>
    window.tracker?.trackCardClick(expert.id, "sage_panel", { position, view_id: viewId }));
  item.querySelector("img").src = `/demo/portraits/${expert.id}.svg`;
  item.querySelector("[data-title]").textContent = expert.title;
  item.querySelector("[data-about]").textContent = `${expert.name}, ${expert.city}`;
  item.querySelector("[data-rate]").textContent = `$${expert.rate}`;
  return item;
}

function say(kind, text) {
  const paragraph = document.createElement("p");
  paragraph.className = kind;
  paragraph.textContent = text;
  return add(paragraph);
}

function add(element) {
  talk.append(element);
  talk.scrollTo({ top: talk.scrollHeight, behavior: "smooth" });
  return element;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(form.q.value.trim());
  form.reset();
});
document.querySelector("[data-sage-tries]").addEventListener("click", (event) => {
  if (event.target.matches("button")) ask(event.target.textContent);
});
