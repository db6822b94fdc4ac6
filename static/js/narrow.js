/* A search above a long list leaves what fits it and what is ticked. Enter does not send the form. */
(() => {
  for (const field of document.querySelectorAll("[data-narrows]")) {
    const entries = [...field.parentElement.querySelectorAll(".tick, tbody tr")];
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      for (const entry of entries) {
        entry.hidden = !entry.textContent.toLowerCase().includes(wanted) && !entry.querySelector(":checked");
      }
    });
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  }
})();
