// The planes, each with a lens on the front; what is chosen is ringed in all of them.
const placed = (numbers, name) => numbers.map(number => trials.get(number).values[placeOf.get(name)] * metricOf(name).factor);
const figures = read("planes").map(figure => ({...figure, data: figure.data.map(trace => trace.x ? trace
  : {...trace, x: placed(trace.customdata, figure.axes[0]), y: placed(trace.customdata, figure.axes[1])})}));
const plots = [];
const escaped = text => `\u2068${String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")}\u2069`;

const hovers = new Map();
const hoverOf = number => {
  if (!hovers.has(number)) hovers.set(number, madeHover(number));
  return hovers.get(number);
};
const madeHover = number => {
  const trial = trials.get(number), network = networkOf(trial);
  const lines = [`<b>trial ${number}</b>   ${escaped(layoutOf(trial))}`];
  if (trial.design) lines.push(escaped(trial.design));
  network.stages.forEach(stage => lines.push(`stage ${stage.at}   ${escaped(stage.block)} × ${stage.depth} @ ${stage.width}`));
  all.metrics.forEach((metric, i) => trial.values[i] !== null &&
    lines.push(`${escaped(metric.title)}   <b>${escaped(between(metric, trial))}</b>`));
  if (trial.below) lines.push("expected on the last rung");
  if (trial.state !== "complete") lines.push(`${trial.state}: ${escaped(trial.reason.slice(0, 80))}`);
  return lines.join("<br>");
};

const toggled = () => new Map([...document.querySelectorAll(".toggle")].map(box => [box.value, box.checked]));
const theme = () => themes[dark.matches ? "dark" : "light"];
const ink = () => getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();

// The corners of the front's own region; plotly writes ranges of logarithmic axes as logarithms.
const regionOf = ({layout, lens}) => {
  const along = (axis, range) => range.map(value => axis.type === "log" ? 10 ** value : value);
  const [[x0, x1], [y0, y1]] = [along(layout.xaxis, lens.x), along(layout.yaxis, lens.y)];
  return {x0, x1, y0, y1};
};
const frameOf = figure => ({type: "rect", layer: "below", line: {width: 1, dash: "dot"}, fillcolor: "rgba(128,128,128,.07)",
  ...regionOf(figure)});
// The same figure with the front's region alone, without the markers outside it, as thousands take long.
const lensOf = figure => {
  const {x0, x1, y0, y1} = regionOf(figure), {layout, lens} = figure;
  const data = figure.data.map(trace => {
    if (!["dots", "below"].includes(trace.meta.part)) return trace;
    const inside = trace.x.map((x, i) => x >= x0 && x <= x1 && trace.y[i] >= y0 && trace.y[i] <= y1);
    const kept = name => trace[name].filter((_, i) => inside[i]);
    return {...trace, x: kept("x"), y: kept("y"), customdata: kept("customdata")};
  });
  const ranged = {xaxis: {...layout.xaxis, range: lens.x}, yaxis: {...layout.yaxis, range: lens.y}};
  return {...figure, data, layout: {...layout, ...ranged}};
};

const draw = (id, figure, fixed) => {
  const holder = document.getElementById(id), shown = toggled(), {layout} = figure;
  const data = figure.data.map(trace => {
    const visible = shown.has(trace.meta.part) ? shown.get(trace.meta.part) : true;
    return {...trace, visible, ...(trace.customdata ? {hovertext: trace.customdata.map(hoverOf), hoverinfo: "text"} : {})};
  });
  const touch = matchMedia("(pointer: coarse)").matches;
  const margin = {l: 56, r: 12, t: 28, b: 48};
  Plotly.newPlot(holder, data, {...structuredClone(layout), template: theme(), showlegend: false, margin, height: 420,
    dragmode: touch ? false : "zoom"},
    {displaylogo: false, responsive: true, doubleClick: "reset", modeBarButtons: [["toImage", "resetScale2d"]]});
  holder.on("plotly_click", event => event.points[0]?.customdata !== undefined && choose(event.points[0].customdata));
  holder.addEventListener("keydown", goAlong);
  plots.push({holder, figure, fixed});
};

// Find a trial on a plane: where it is, and on which axes, or null where it is not drawn.
const spotOf = (figure, number) => {
  for (const trace of figure.data) {
    const i = trace.customdata?.indexOf(number) ?? -1;
    if (i >= 0) return {x: trace.x[i], y: trace.y[i], xref: trace.xaxis ?? "x", yref: trace.yaxis ?? "y"};
  }
  return null;
};
// A path, as plotly takes the logarithm of the pixels of a shape of type circle on logarithmic axes.
const circle = "M13,0C13,7.2,7.2,13,0,13C-7.2,13,-13,7.2,-13,0C-13,-7.2,-7.2,-13,0,-13C7.2,-13,13,-7.2,13,0Z";
const ring = (figure, number) => {
  const spot = spotOf(figure, number);
  return spot ? [{type: "path", path: circle, xsizemode: "pixel", ysizemode: "pixel", xref: spot.xref, yref: spot.yref,
    xanchor: spot.x, yanchor: spot.y, line: {color: ink(), width: 2.5}}] : [];
};
const line = (figure, at) => {
  if (at === null || !figure.axes.includes(objectives[1].name)) return [];
  const axis = figure.axes[0] === objectives[1].name ? "x" : "y";
  const other = axis === "x" ? "y" : "x", value = at * objectives[1].factor;
  return [{type: "line", [`${axis}0`]: value, [`${axis}1`]: value, [`${other}ref`]: "paper", [`${other}0`]: 0,
    [`${other}1`]: 1, line: {color: ink(), width: 1.5}}];
};

let budgetAt = null;
const mark = () => {
  for (const {holder, figure, fixed} of plots)
    Plotly.relayout(holder, {shapes: [...(figure.layout.shapes ?? []), ...fixed, ...line(figure, budgetAt),
      ...ring(figure, chosen.number)]});
};

// Go along the front with the arrow keys, by the second objective.
const order = [...frontTrials].sort((a, b) => a.values[1] - b.values[1]).map(trial => trial.number);
const goAlong = event => {
  if (event.target !== event.currentTarget || event.altKey || event.ctrlKey || event.metaKey) return;  // a button's, the browser's
  const here = order.indexOf(chosen.number), step = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1}[event.key];
  const next = step ? (here < 0 ? order.indexOf(all.pick) : clamped(here + step, 0, order.length - 1))
    : {Home: 0, End: order.length - 1}[event.key];
  if (next !== undefined) choose(order[next], "key");
  else if (event.key === "Enter" || event.key === " ") document.getElementById("panel").focus();
  else return;
  event.preventDefault();
};

const drawPlanes = () => {
  const drawOne = i => {
    draw(`chart-${figures[i].name}`, figures[i], [frameOf(figures[i])]);
    draw(`chart-${figures[i].name}-lens`, lensOf(figures[i]), []);
    if (i + 1 < figures.length) setTimeout(() => {  // the page answers meanwhile
      drawOne(i + 1);
      mark();
    });
  };
  drawOne(0);
  for (const toggle of document.querySelectorAll(".toggle")) toggle.addEventListener("change", () => {
    for (const {holder, figure} of plots) {
      const places = figure.data.flatMap((trace, i) => trace.meta.part === toggle.value ? [i] : []);
      if (places.length) Plotly.restyle(holder, {visible: toggle.checked}, places);
    }
  });
  dark.addEventListener("change", mark);
  chosen.told.push(mark, (trial, how) => {
    const place = order.indexOf(trial.number);
    if (how === "key") document.getElementById("front-said").textContent =
      `Trial ${trial.number}, ${place + 1} of ${order.length} on the front: ${valuesOf(trial)}`;
  });
};
