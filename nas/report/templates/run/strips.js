// A network as a strip of boxes: a stage is as tall as its map, as long as it is deep, as thick as it is wide.
const SVG = "http://www.w3.org/2000/svg";
const shape = (tag, attributes, ...inside) => {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
};

const extent = values => {
  const known = values.filter(value => value > 0);
  return [Math.min(...known), Math.max(...known)];
};
// From `low` to `high` as the logarithm of a value goes from the least to the greatest.
const logarithmic = ([least, most], low, high) => value =>
  most > least ? low + (high - low) * Math.log(value / least) / Math.log(most / least) : (low + high) / 2;

const drawn = frontTrials.map(networkOf), stagesDrawn = drawn.flatMap(network => network.stages);
const deepest = Math.max(...drawn.map(network => network.stages.reduce((sum, stage) => sum + stage.depth, 0)));
const clamped = (value, low, high) => Math.min(Math.max(value, low), high);
const heights = logarithmic(extent([...stagesDrawn, ...drawn.map(network => network.stem)].map(part => part.side)), 12, 34);
const thicknesses = logarithmic(extent(stagesDrawn.map(stage => stage.width)), 3, 13);
const height = side => clamped(heights(side), 8, 40), thickness = width => clamped(thicknesses(width), 2, 16);
const block = clamped(130 / deepest, 2.5, 11);
const BASE = 52, GREY = "#8a93a3";

// A box: its face, and its top and side, which show how thick it is.
const box = (x, long, high, thick, colour, lines = 0) => {
  const lift = thick * .6, top = BASE - high, points = (...corners) => corners.map(corner => corner.join()).join(" ");
  const group = shape("g", {fill: colour, stroke: "var(--paper)", "stroke-width": .7, "stroke-linejoin": "round"});
  const upper = points([x, top], [x + thick, top - lift], [x + long + thick, top - lift], [x + long, top]);
  const side = points([x + long, top], [x + long + thick, top - lift], [x + long + thick, BASE - lift], [x + long, BASE]);
  group.append(shape("rect", {x, y: top, width: long, height: high}), shape("polygon", {points: upper}),
    shape("polygon", {points: upper, fill: "#fff", "fill-opacity": .4}), shape("polygon", {points: side}),
    shape("polygon", {points: side, fill: "#000", "fill-opacity": .3}));
  for (let i = 1; i < lines; i++)
    group.append(shape("line", {x1: x + i * long / lines, x2: x + i * long / lines, y1: top, y2: BASE,
      stroke: "#fff", "stroke-opacity": .8, "stroke-width": 1}));
  return group;
};

const mapOf = (part, network) => network.known ? `map ${part.side} × ${part.side}` : "";
const stageWords = (stage, network) => [`stage ${stage.at}: ${stage.block} × ${stage.depth} @ ${stage.width}`,
  mapOf(stage, network), ...options(stage, "stage")].filter(Boolean).join(", ");
const words = network => [`stem ${network.stem.kind} @ ${network.stem.width}`,
  ...network.stages.map(stage => `stage ${stage.at} ${stage.block} × ${stage.depth} @ ${stage.width}`),
  `head ${network.head.kind}`].join("; ");

// The picture of a trial's network; a mark stands under the parts in `differing` (-1: the stem, else a stage's number).
const strip = (trial, differing = new Set()) => {
  const network = networkOf(trial), parts = [];
  let x = 1;
  const place = (long, high, thick, colour, lines, letter, says, index) => {
    const group = shape("g", {class: "part"}, box(x, long, high, thick, colour, lines), shape("title", {}, says));
    const differs = differing.has(index);
    if (letter || differs)
      group.append(shape("text", {x: x + long / 2, y: BASE + 12, "text-anchor": "middle",
        class: differs ? "letter differs" : "letter"}, `${letter}${differs ? "≠" : ""}`));
    parts.push(group);
    x += long + thick * .75 + 5;
  };
  const {stem, stages, head} = network;
  place(6, height(stem.side), thickness(stem.width), GREY, 0, "", `stem ${stem.kind} @ ${stem.width}`, -1);
  stages.forEach(stage => {
    const [colour, letter] = all.blocks[stage.block];
    const long = 8 + block * stage.depth;
    place(long, height(stage.side), thickness(stage.width), colour, stage.depth, letter, stageWords(stage, network), stage.at);
  });
  place(5, 10, 2, GREY, 0, "", `head ${head.kind}`);
  const wide = Math.ceil(x + 4);
  return shape("svg", {viewBox: `0 6 ${wide} 61`, width: wide, height: 61, role: "img", class: "picture",
    "aria-label": `Trial ${trial.number}: ${words(network)}`}, ...parts);
};

const drawStrips = () => {
  for (const place of document.querySelectorAll(".strip")) place.append(strip(trials.get(Number(place.dataset.trial))));
  const sample = (text, ...boxes) => {
    let x = 1;
    const made = boxes.map(([long, high, thick, lines]) => {
      const one = box(x, long, high, thick, GREY, lines);
      x += long + thick + 5;
      return one;
    });
    const picture = shape("svg", {viewBox: `0 6 ${x} 48`, width: x, height: 48, "aria-hidden": "true"}, ...made);
    return make("span", {class: "sample"}, picture, text);
  };
  const [least, most] = extent(stagesDrawn.map(stage => stage.side)), widths = extent(stagesDrawn.map(stage => stage.width));
  const maps = drawn.every(network => network.known) && least < most ? `: ${least} to ${most} pixels a side` : "";
  document.getElementById("strip-legend").append(
    sample(`height: its map${maps}`, [10, 12, 3, 1], [10, 34, 3, 1]),
    sample("length: its depth in blocks", [8 + block, 20, 3, 1], [8 + 3 * block, 20, 3, 3]),
    sample(`thickness: its width, ${widths[0]} to ${widths[1]}`, [12, 20, 3, 1], [12, 20, 13, 1]));
};
