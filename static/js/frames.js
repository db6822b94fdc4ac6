/* A table that fits its frame needs no scrolling of its own; without it, its head can stay in
   sight while the page scrolls. */
(() => {
  // All are measured before any is changed: a change makes the next measure lay out the page anew.
  function look() {
    const frames = [...document.querySelectorAll(".table-frame")];
    const fits = frames.map((frame) => frame.scrollWidth <= frame.clientWidth);
    frames.forEach((frame, n) => frame.toggleAttribute("data-fits", fits[n]));
  }
  look();
  addEventListener("resize", look);
})();
