/* A form that is on its way is not sent again: a double click would make two keys. */
(() => {
  const SOON = 3000; // a form whose answer is a file leaves the page as it is
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-sent")) return event.preventDefault();
    form.toggleAttribute("data-sent", true);
    setTimeout(() => form.removeAttribute("data-sent"), SOON);
  });
})();
