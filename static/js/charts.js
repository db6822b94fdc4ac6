/* Draws each [data-chart] from the JSON block that follows it. Plotly is large: it is fetched
   at once for a chart that is in view, otherwise when somebody begins to look around, or, for what
   is near the view, soon after the page is there. On a phone it would hold up the first touch for
   long, so there even a chart in view waits, and what is near the view for somebody who looks
   around. Colours are tokens of tokens.css, read when drawn. */
(() => {
  const charts = [...document.querySelectorAll("[data-chart]")];
  if (!charts.length) return;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const SOON = 2500;
  const isDrawn = (plot) => "drawn" in plot.dataset;
  let loading;

  function plotly(url) {
    loading ??= new Promise((done, fail) => {
      const script = Object.assign(document.createElement("script"), { src: url, fetchPriority: "low" });
      script.onload = () => done(window.Plotly);
      script.onerror = fail;
      document.head.append(script);
    });
    return loading;
  }

  function coloured(value) {
    if (typeof value === "string") return value.replace(/^var\((--[\w-]+)\)$/, (_, name) => style(name));
    if (Array.isArray(value)) return value.map(coloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, coloured(inner)]));
  }

  function template(width) {
    const ink = style("--ink-3");
    const font = { family: style("--sans"), size: 12, color: ink };
    const axis = { fixedrange: true, zeroline: false, automargin: true, tickfont: font, title: { font, standoff: 6 }, ticks: "", showline: false };
    return { layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, dragmode: false, showlegend: false,
      margin: { t: 26, r: 12, b: 30, l: 24 }, hovermode: "x unified", barmode: "stack", bargap: 0.25,
      hoverlabel: { bgcolor: style("--raised"), bordercolor: style("--line-2"), font: { ...font, color: style("--ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: style("--ink") },
      xaxis: { ...axis, showgrid: false, separatethousands: true, nticks: Math.min(7, Math.floor(width / 85)), showspikes: false, tickangle: 0, ticklabelstandoff: 6 },
      yaxis: { ...axis, gridcolor: style("--line"), nticks: 5, rangemode: "tozero", separatethousands: true },
    } };
  }

  async function draw(plot) {
    const { data, layout } = coloured(JSON.parse(plot.nextElementSibling.textContent));
    const unit = layout.yaxis?.title?.text;
    const units = unit ? [{ text: unit, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom", yshift: 8, showarrow: false }] : [];
    // A day tells its own numbers and notes alone: those within half the way to the next.
    const days = new Set(data.flatMap((trace) => trace.x ?? [])).size;
    const room = plot.clientWidth - (layout.margin?.r ?? 12);
    const every = layout.xaxis?.type === "date" && room / days < 50 ? 2 : 1; // else their names would run together
    const reach = layout.xaxis?.type === "date" ? { hoverdistance: Math.ceil((0.45 * plot.clientWidth) / days) } : {};
    const whole = {
      ...reach, ...layout, template: template(plot.clientWidth), autosize: true,
      xaxis: { ...layout.xaxis, ...(layout.xaxis?.dtick && { dtick: every * layout.xaxis.dtick }) },
      yaxis: { ...layout.yaxis, title: undefined }, annotations: [...units, ...(layout.annotations ?? [])],
    };
    await window.Plotly.react(plot, data, whole, {
      displaylogo: false, responsive: true, modeBarButtons: [[picture(plot)]],
    });
    if (!isDrawn(plot)) plot.on("plotly_click", (clicked) => follow(plot, clicked.points));
    plot.dataset.drawn = "";
  }

  // Outside the page a picture needs its title, its days and a ground of its own.
  function picture(plot) {
    const { title, range } = plot.dataset;
    const TITLE = 34;
    const save = () => window.Plotly.downloadImage({ data: plot.data, layout: {
      ...plot.layout, paper_bgcolor: style("--paper"), margin: { ...plot.layout.margin, t: 26 + TITLE },
      title: { text: `${title}, ${range}`, x: 0, xref: "paper", xanchor: "left", y: 1, yanchor: "top", pad: { t: 10 }, font: { size: 14, color: style("--ink") } },
    } }, { filename: title, format: "png", scale: 2, width: plot.clientWidth, height: plot.clientHeight + TITLE });
    return { name: "picture", title: "Download as PNG", icon: window.Plotly.Icons.camera, click: save };
  }

  // A point leads where its row of the number table does: that of its day, or in its place.
  function follow(plot, [point]) {
    const links = [...plot.closest("figure").querySelectorAll("tbody td:first-child a")];
    const ofDay = links.find((link) => link.firstElementChild?.dateTime === point.x);
    (ofDay ?? links[point.pointNumber])?.click();
  }

  async function show(plot) {
    try {
      await plotly(plot.dataset.plotly);
      await draw(plot);
    } catch (fault) {
      const words = "This chart could not be drawn; its numbers are below.";
      plot.replaceChildren(Object.assign(document.createElement("p"), { className: "failed", textContent: words }));
      console.error(fault);
    }
  }

  // One after the other, each when the browser has nothing better to do. Chromium does not always
  // tell an idle page that it is idle, hence the timeout.
  const idle = () => new Promise((done) => {
    if (window.requestIdleCallback) requestIdleCallback(done, { timeout: 500 });
    else setTimeout(done);
  });
  const waiting = new Set(charts);
  let queue = Promise.resolve();

  function enqueue(plot) {
    if (waiting.delete(plot)) queue = queue.then(idle).then(() => show(plot));
  }

  function drawSeen(where) {
    const seen = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => enqueue(entry.target)), where,
    );
    charts.forEach((plot) => seen.observe(plot));
  }

  const inView = { threshold: 0.5 }, nearView = { rootMargin: "50%" };
  const wide = matchMedia("(min-width: 800px)").matches;
  if (wide) drawSeen(inView);
  const others = () => waiting.forEach(enqueue);
  for (const sign of ["scroll", "pointermove", "pointerdown", "keydown"]) {
    addEventListener(sign, others, { once: true, passive: true });
  }
  addEventListener("load", () => setTimeout(drawSeen, SOON, wide ? nearView : inView));

  addEventListener("beforeprint", () => {
    for (const plot of charts.filter((one) => !isDrawn(one))) {
      if (window.Plotly) draw(plot);
      else plot.closest("figure").querySelector("details").open = true; // on paper its numbers, then
    }
  });

  const again = () => charts.filter(isDrawn).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("themechange", again);
})();
