{
  const lines = document.getElementById("lines"), keep = document.getElementById("keep");
  const told = document.getElementById("kept"), objectives = {{ s.objectives | tojson }};
  const plot = () => document.getElementById("chart-parallel");
  const within = (dimension, i) => {
    const range = dimension.constraintrange, value = dimension.values[i];
    return !range || (Array.isArray(range[0]) ? range : [range]).some(([a, b]) =>
      Math.min(a, b) <= value && value <= Math.max(a, b));
  };
  const tell = () => {
    const dimensions = plot().data[0].dimensions, count = dimensions[0].values.length;
    const kept = [...Array(count).keys()].filter(i => dimensions.every(one => within(one, i)));
    const best = objectives.map(one => {
      const values = dimensions.find(other => other.label === one.label).values;
      const found = kept.reduce((a, i) => one.more ? Math.max(a, values[i]) : Math.min(a, values[i]), one.more ? -Infinity : Infinity);
      return `${one.words} ${found} ${one.unit}`.trim();
    });
    told.textContent = `${kept.length} of ${count} networks` + (kept.length ? `; the best: ${best.join(", ")}` : "");
  };
  const draw = () => {  // late, as WebGL takes longer to begin than all the rest of the page
    if (plot()) return;
    lines.append(lines.firstElementChild.content.cloneNode(true));
    if (dark.matches) Plotly.relayout(plot(), {template: themes.dark});
    plot().on("plotly_restyle", tell);
    tell();
  };
  keep.onchange = () => {
    draw();
    const chosen = keep.value ? JSON.parse(keep.value) : {};
    const ranges = plot().data[0].dimensions.map(one => one.label === chosen.label ? [chosen.range] : null);
    Plotly.restyle(plot(), Object.fromEntries(ranges.map((range, i) => [`dimensions[${i}].constraintrange`, range])));
  };
  new IntersectionObserver(seen => seen.some(one => one.isIntersecting) && draw(), {rootMargin: "300px"}).observe(lines);
  addEventListener("beforeprint", draw);
}
