// The trip planner. Its drafting part is fetched when it is needed; see recover().

const form = document.querySelector("[data-plan]");
const RELOADED = "farwend_reloaded";

for (const box of form.querySelectorAll("[data-toggle]")) {
  box.addEventListener("change", () =>
    window.tracker?.trackEvent(`create_trip__toggle--${box.dataset.toggle}`, { on: box.checked }));
}

for (const section of form.querySelectorAll("[data-section]")) {
  section.addEventListener("toggle", () => {
    const name = section.dataset.section;
    if (section.open) window.tracker?.trackEvent("create_trip__section--expand", { section: name });
  });
}

/** A deployment may have replaced the part while this page was open: reload, but only once. */
function recover() {
  if (sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "1");
  window.tracker?.trackEvent("app__chunk_recovery--reload", { chunk: "draft" });
  location.reload();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const values = new FormData(form);
  window.tracker?.trackEvent("create_trip__cta--generate", {
    city: values.get("city"),
    days: Number(values.get("days")),
    travelers: Number(values.get("travelers")),
    roundtrip: values.has("roundtrip"),
    route_lock: values.has("route_lock"),
  });
  try {
    const { draft } = await import("./draft.js");
    draft(values);
    sessionStorage.removeItem(RELOADED);
  } catch {
    recover();
  }
});
