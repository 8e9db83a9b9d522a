// The trials of the page: their networks, their values in words, their files.
const read = id => JSON.parse(document.getElementById(id).textContent);
const all = read("trials");
const trials = new Map(all.trials.map(([number, state, network, values, spreads, notes]) =>
  [number, {number, state: ["complete", "failed", "rejected"][state], network, values, spreads, ...notes}]));
const onFront = new Set(all.front), frontTrials = all.front.map(number => trials.get(number));
const placeOf = new Map(all.metrics.map((metric, place) => [metric.name, place]));
const metricOf = name => all.metrics[placeOf.get(name)];
const objectives = all.metrics.slice(0, all.objectives);

const make = (tag, attributes = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  made.append(...inside.filter(one => one !== null));
  return made;
};

const pairs = part => {
  const [shape, ...values] = all.parts[part];
  return all.shapes[shape].map((name, i) => [name, ...all.scalars[values[i]]]);
};
const partOf = part => Object.fromEntries(pairs(part).map(([name, value]) => [name, value]));

// A network as its frame, stem, stages and head, each stage with its number in the space and the side of its map (0: not known).
const networkOf = trial => {
  const [frame, stem, ...rest] = trial.network, head = rest.pop();
  const image = partOf(frame).resolution, known = all.strides[stem];
  let side = Math.ceil(image / (known || 1));
  const mapped = {...partOf(stem), side};
  const stages = rest.map(partOf).map((stage, i) => ({...stage, at: trial.stages?.[i] ?? i, side: side = Math.ceil(side / stage.stride)}));
  return {frame: partOf(frame), stem: mapped, stages, head: partOf(head), known: known > 0};
};

const OWN = {stem: ["kind", "width", "side"], stage: ["block", "depth", "width", "stride", "side", "at"], head: ["kind"]};
const options = (part, what) => Object.entries(part).filter(([name]) => !OWN[what].includes(name))
  .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);

const layoutOf = trial => networkOf(trial).stages.map(stage => all.blocks[stage.block][1]).join("-");

// The text of the network's file.
const yamlOf = trial => {
  const [frame, stem, ...stages] = trial.network, head = stages.pop();
  const flow = part => `{${pairs(part).map(([name, , text]) => `${name}: ${text}`).join(", ")}}`;
  return [`${all.name[0]}_${trial.number}${all.name[1].trimEnd()}`,
    ...pairs(frame).map(([name, , text]) => `${name}: ${text}`), `stem: ${flow(stem)}`, "stages:",
    ...stages.map(stage => `- ${flow(stage)}`), `head: ${flow(head)}`, ""].join("\n");
};

const formats = new Map();
const formatOf = (places, grouped) => {
  const key = `${places} ${grouped}`, options = {minimumFractionDigits: places, maximumFractionDigits: places, useGrouping: grouped};
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat("en", options));  // takes long to make
  return formats.get(key);
};
// The unit of a value, as nas/evaluation/units.py has it; `metric` itself is in one unit for a whole axis.
const unitOf = (metric, value) => {
  if (metric.decimals !== null) return metric;
  const {base} = metric, thousand = {ms: "s", mJ: "J"}[base];  // what has a prefix takes no second one
  const larger = thousand ? [[1e4, 1e-3, thousand]] : base.includes("/") ? []
    : [[1e9, 1e-9, `G${base}`], [1e6, 1e-6, `M${base}`], [1e4, 1e-3, `k${base}`]];
  const [, factor, unit] = larger.find(([least]) => Math.abs(value) >= least) ?? [0, 1, base];
  return {factor, unit, decimals: null};
};
// A value without its unit: with the decimals of a share, or three significant digits, none of a count.
const bare = (unit, value) => {
  const scaled = value * unit.factor, magnitude = scaled ? Math.floor(Math.log10(Math.abs(scaled))) : 0;
  const places = unit.decimals ?? (!unit.unit && Number.isInteger(scaled) ? 0 : Math.max(0, 2 - magnitude));
  return formatOf(places, unit.decimals === null).format(scaled);
};
const shown = (metric, value, half) => {
  if (value === null) return "–";
  const unit = unitOf(metric, value), doubt = half === undefined ? "" : ` ± ${bare(unit, half)}`;
  return `${bare(unit, value)}${doubt} ${unit.unit}`.trimEnd();
};
const difference = (metric, value) => shown(metric, value).replace("%", "points");
const between = (metric, trial) =>
  shown(metric, trial.values[placeOf.get(metric.name)], trial.interval?.[metric.name]);
const valuesOf = trial => objectives.map((metric, i) => `${metric.words} ${shown(metric, trial.values[i])}`).join(", ");

// What each part of the page does when a network is chosen.
const chosen = {number: null, told: []};
const choose = (number, how = "") => {
  if (!trials.has(number)) return false;
  chosen.number = number;
  for (const tell of chosen.told) tell(trials.get(number), how);
  return true;
};
const trialButton = number => make("button", {class: "show", onclick: () => choose(number)}, `trial ${number}`);
