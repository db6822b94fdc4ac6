/* Keys: `/` searches, `g d` goes to Demand and so on, `?` lists them. */
(() => {
  const dialog = document.querySelector("[data-shortcuts]");
  if (!dialog) return;
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]");
  let going = 0;

  function go(key) {
    const link = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (link) link.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || dialog.open) return;
    const follows = Date.now() - going < 1500;
    going = 0;
    if (follows) return go(event.key);
    if (event.key === "g") going = Date.now();
    else if (event.key === "?") dialog.showModal();
    else if (event.key === "/") {
      const search = document.querySelector("[data-search], input[type=search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
    }
  });
  document.querySelector("[data-shortcuts-button]")?.addEventListener("click", () => dialog.showModal());
})();
