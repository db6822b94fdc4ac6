/* Small things that open and close, and choices that send their form by themselves. */
(() => {
  const button = document.querySelector("[data-menu-button]");
  button?.addEventListener("click", () => {
    const open = button.closest("[data-menu]").toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(open));
  });

  const others = (target) => [...document.querySelectorAll("details[data-dismiss][open]")].filter((box) => !box.contains(target));
  document.addEventListener("click", (event) => others(event.target).forEach((box) => { box.open = false; }));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const box of document.querySelectorAll("details[data-dismiss][open]")) {
      box.open = false;
      box.querySelector("summary").focus();
    }
  });

  // A range that ends before it begins is said to do so where it is typed.
  for (const form of document.querySelectorAll(".range form")) {
    const { from, to } = form.elements;
    const bound = () => { to.min = from.value; };
    from.addEventListener("input", bound);
    bound();
  }

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-autosubmit]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });
})();
