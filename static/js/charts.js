/* Draws each [data-chart] from the JSON block that follows it. Plotly is fetched after the
   page is there. Colours are tokens of tokens.css, read when drawn. */
(() => {
  const charts = [...document.querySelectorAll("[data-chart]")];
  if (!charts.length) return;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  let loading;

  function plotly(url) {
    loading ??= new Promise((done, fail) => {
      const script = Object.assign(document.createElement("script"), { src: url });
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

  function template() {
    const ink = style("--ink-3");
    const font = { family: style("--sans"), size: 12, color: ink };
    const axis = { fixedrange: true, zeroline: false, automargin: true, tickfont: font, title: { font, standoff: 6 }, ticks: "", showline: false };
    return { layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font, dragmode: false, showlegend: false,
      margin: { t: 26, r: 12, b: 30, l: 8 }, hovermode: "x unified", barmode: "stack", bargap: 0.25,
      hoverlabel: { bgcolor: style("--raised"), bordercolor: style("--line-2"), font: { ...font, color: style("--ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: ink, activecolor: style("--ink") },
      xaxis: { ...axis, showgrid: false, nticks: 7, showspikes: false },
      yaxis: { ...axis, gridcolor: style("--line"), nticks: 5, rangemode: "tozero", separatethousands: true },
    } };
  }

  function draw(plot) {
    const { data, layout } = coloured(JSON.parse(plot.nextElementSibling.textContent));
    const unit = layout.yaxis?.title?.text;
    const units = unit ? [{ text: unit, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom", yshift: 8, showarrow: false }] : [];
    const whole = {
      ...layout, template: template(), autosize: true,
      yaxis: { ...layout.yaxis, title: undefined }, annotations: [...units, ...(layout.annotations ?? [])],
    };
    const image = { filename: plot.dataset.title, format: "png", scale: 2 };
    return window.Plotly.react(plot, data, whole, {
      displaylogo: false, responsive: true, modeBarButtons: [["toImage"]], toImageButtonOptions: image,
    });
  }

  async function show(plot) {
    try {
      await plotly(plot.dataset.plotly);
      await draw(plot);
      plot.dataset.drawn = "";
    } catch (fault) {
      const words = "This chart could not be drawn; its numbers are below.";
      plot.replaceChildren(Object.assign(document.createElement("p"), { className: "failed", textContent: words }));
      console.error(fault);
    }
  }

  // One after the other, each when the browser has nothing better to do.
  const idle = () => new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done));
  (async () => {
    for (const plot of charts) {
      await idle();
      await show(plot);
    }
  })();

  const again = () => charts.filter((plot) => "drawn" in plot.dataset).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("themechange", again);
})();
