// Drafts a trip: one expert a day, those first who share the travellers' interests.

import { experts } from "./filters.js";

const STARTS = ["09:00", "10:30", "15:00", "18:30"];

function guides(values) {
  const interests = values.getAll("interests");
  const shared = (expert) => expert.tags.filter((tag) => interests.includes(tag)).length;
  return experts
    .filter((expert) => expert.city === values.get("city") && expert.rate <= values.get("budget"))
    .sort((a, b) => shared(b) - shared(a));
}

function day(number, expert) {
  const item = document.getElementById("day").content.cloneNode(true);
  item.querySelector("[data-number]").textContent = `Day ${number}`;
  if (!expert) {
    item.querySelector("[data-title]").textContent = "A free day";
    item.querySelector("[data-about]").textContent = "No plan is a plan too.";
    item.querySelector("img").replaceWith(document.createElement("span"));
    return item;
  }
  item.querySelector("img").src = `/demo/portraits/${expert.id}.svg`;
  item.querySelector("[data-title]").textContent = expert.title;
  item.querySelector("[data-about]").textContent =
    `From ${STARTS[number % STARTS.length]} with ${expert.name}, $${expert.rate} an hour`;
  return item;
}

export function draft(values) {
  const people = guides(values);
  const days = Array.from({ length: values.get("days") }, (_, index) => index + 1);
  const page = document.getElementById("trip").content.cloneNode(true);
  page.querySelector("[data-city]").textContent = values.get("city");
  page.querySelector("[data-summary]").textContent = [
    `${days.length} ${days.length === 1 ? "day" : "days"}`,
    `${values.get("travelers")} ${values.get("travelers") === "1" ? "traveller" : "travellers"}`,
    values.has("roundtrip") ? "round trip" : "one way",
  ].join(" · ");
  page.querySelector("[data-days]").append(...days.map((n) => day(n, people[n - 1])));
  document.querySelector("[data-draft]").replaceChildren(page);
}
