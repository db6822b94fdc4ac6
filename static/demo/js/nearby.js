// The short list of experts in the same city is a result list like the grid.

const list = document.querySelector("[data-nearby]");

if (list) {
  const ids = [...list.children].map((card) => card.dataset.expert);
  const viewId = window.tracker?.trackResults("grid", ids);
  list.addEventListener("click", (event) => {
    const id = event.target.closest("[data-expert]")?.dataset.expert;
    const position = ids.indexOf(id) + 1;
    if (id) window.tracker?.trackCardClick(id, "grid", { position, view_id: viewId });
  });
}
