// On a phone Sage's panel slides over the page.

const panel = document.querySelector("[data-sage]");
const opener = document.querySelector("[data-sage-open]");

function toggle(open) {
  panel.classList.toggle("open", open);
  opener.setAttribute("aria-expanded", open);
  (open ? panel.querySelector("input") : opener).focus();
}

opener.addEventListener("click", () => toggle(true));
document.querySelector("[data-sage-close]").addEventListener("click", () => toggle(false));
panel.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel.classList.contains("open")) toggle(false);
});
