const themes = {{ themes | tojson }}, dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.querySelectorAll(".js-plotly-plot").forEach(plot =>
  Plotly.relayout(plot, {template: themes[dark.matches ? "dark" : "light"]}));
if (dark.matches) paint();
dark.addEventListener("change", paint);
