// What a filter set lets through. Only filters that are set are keys of the set.

export const experts = JSON.parse(document.getElementById("experts").textContent);

const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/\p{M}/gu, "");
const words = (expert) =>
  plain([expert.name, expert.title, expert.city, expert.bio, ...expert.tags].join(" "));

const checks = {
  search: (expert, text) => plain(text).split(/\s+/).every((word) => words(expert).includes(word)),
  city: (expert, city) => expert.city === city,
  language: (expert, language) => expert.languages.includes(language),
  rate: (expert, [low, high]) => low <= expert.rate && expert.rate <= high,
  tags: (expert, tags) => tags.every((tag) => expert.tags.includes(tag)),
};

export const matching = (filters) => experts.filter((expert) =>
  Object.entries(filters).every(([name, value]) => checks[name](expert, value)));
