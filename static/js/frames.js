/* A table that fits its frame needs no scrolling of its own; without it, its head can stay in
   sight while the page scrolls. */
(() => {
  const look = () => document.querySelectorAll(".table-frame").forEach((frame) => {
    frame.toggleAttribute("data-fits", frame.scrollWidth <= frame.clientWidth);
  });
  look();
  addEventListener("resize", look);
})();
