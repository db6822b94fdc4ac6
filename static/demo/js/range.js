// A slider with two handles. `onMove` hears every step, `onRelease` the value it was left at.

export function range(root, { onMove, onRelease }) {
  const [low, high] = root.querySelectorAll("input");
  const lowest = Number(low.min);
  const highest = Number(low.max);
  const value = () => [Number(low.value), Number(high.value)];
  const share = (amount) => `${((amount - lowest) / (highest - lowest)) * 100}%`;

  function draw() {
    const [from, to] = value();
    root.querySelector("[data-range-text]").textContent = `$${from} – $${to}`;
    const fill = root.querySelector("[data-range-fill]").style;
    fill.left = share(from);
    fill.width = `calc(${share(to)} - ${share(from)})`;
    // The handle that can still move lies on top when both are at one end.
    low.classList.toggle("on-top", from > (lowest + highest) / 2);
  }

  function keepOrder(moved) {
    if (moved === low && low.valueAsNumber > high.valueAsNumber) low.value = high.value;
    if (moved === high && high.valueAsNumber < low.valueAsNumber) high.value = low.value;
  }

  for (const handle of [low, high]) {
    handle.addEventListener("input", () => {
      keepOrder(handle);
      draw();
      onMove(value());
    });
    handle.addEventListener("change", () => onRelease(value()));
  }
  draw();

  return {
    draw,
    /** The range, or null when it leaves nobody out. */
    get: () => (low.value === low.min && high.value === high.max ? null : value()),
    set: ([from, to] = [lowest, highest]) => {
      [low.value, high.value] = [from, to];
      draw();
    },
  };
}
