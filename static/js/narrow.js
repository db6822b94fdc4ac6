/* A search above a long list of ticks leaves what fits it and what is ticked. Enter does not send
   the form. */
(() => {
  for (const field of document.querySelectorAll("[data-narrows]")) {
    const ticks = [...field.parentElement.querySelectorAll(".tick")];
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      for (const tick of ticks) {
        tick.hidden = !tick.textContent.toLowerCase().includes(wanted) && !tick.querySelector(":checked");
      }
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
})();
