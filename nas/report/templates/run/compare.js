// Two networks side by side, with what differs between them.
let pair = [];
const sideBySide = document.getElementById("side-by-side"), pairSaid = document.getElementById("pair-said");

const namesOf = trial => {
  const {frame, stem, stages, head} = networkOf(trial), found = [["image", "resolution", frame.resolution]];
  const add = (part, values) => Object.entries(values).forEach(([name, value]) => !["side", "at"].includes(name) && found.push([part, name, value]));
  add("stem", stem);
  stages.forEach(stage => add(`stage ${stage.at}`, stage));
  add("head", head);
  return new Map(found.map(([part, name, value]) => [`${part} ${name.replaceAll("_", " ")}`, [part, value]]));
};

const differences = (a, b) => {
  const [left, right] = [a, b].map(namesOf);
  const names = [...new Set([...left.keys(), ...right.keys()])].sort((m, n) => rank(left, right, m) - rank(left, right, n));
  return names.map(name => [name, (left.get(name) ?? right.get(name))[0], left.get(name)?.[1], right.get(name)?.[1]]);
};
const rank = (left, right, name) => {
  const part = (left.get(name) ?? right.get(name))[0];
  return part === "image" ? -2 : part === "stem" ? -1 : part === "head" ? 99 : Number(part.slice(6));
};

const showPair = () => {
  for (const box of document.querySelectorAll("input.compare")) box.checked = pair.includes(Number(box.value));
  if (pair.length < 2) {
    sideBySide.replaceChildren();
    pairSaid.textContent = pair.length ? `Trial ${pair[0]} is chosen; choose another.` : "None is chosen.";
    return;
  }
  const [a, b] = pair.map(number => trials.get(number)), rows = differences(a, b);
  const differ = rows.filter(([, , left, right]) => left !== right);
  const marks = new Set(differ.map(([, part]) => part === "stem" ? -1 : part.startsWith("stage ") ? Number(part.slice(6)) : null));
  const head = make("tr", {}, make("th", {scope: "col"}, ""), ...[a, b].map(trial => make("th", {scope: "col"},
    trialButton(trial.number))), make("th", {scope: "col"}, "change"));
  const pictures = make("tr", {}, make("th", {scope: "row"}, "stages"), make("td", {}, strip(a, marks)), make("td", {}, strip(b, marks)), make("td"));
  const values = all.metrics.map((metric, i) => make("tr", {}, make("th", {scope: "row"}, metric.title),
    make("td", {}, between(metric, a)), make("td", {}, between(metric, b)),
    make("td", {}, gapOf(metric, a.values[i], b.values[i]))));
  const parts = differ.map(([name, , left, right]) => make("tr", {class: "differs"}, make("th", {scope: "row"}, name),
    make("td", {}, String(left ?? "–")), make("td", {}, String(right ?? "–")),
    make("td", {}, typeof left === "number" && typeof right === "number" ? signed(Number((right - left).toPrecision(6))) : "≠")));
  const same = rows.length - differ.length;
  sideBySide.replaceChildren(make("table", {class: "pair"}, make("thead", {}, head),
    make("tbody", {}, pictures, ...values, ...parts)));
  pairSaid.textContent = differ.length ? `${differ.length} of ${rows.length} values of the networks differ, ${same} are the same.`
    : "The two are the same network.";
};
const signed = number => `${number > 0 ? "+" : "−"}${Math.abs(number)}`;
const gapOf = (metric, left, right) => left === null || right === null ? "–" : left === right ? "="
  : `${right > left ? "+" : "−"}${difference(metric, Math.abs(right - left))}`;

// Put a network into the pair, or take it out; of three the oldest leaves.
const compare = (number, wanted) => {
  pair = pair.filter(one => one !== number);
  if (wanted) pair = [...pair, number].slice(-2);
  showPair();
};
for (const box of document.querySelectorAll("input.compare"))
  box.addEventListener("change", () => compare(Number(box.value), box.checked));

const start = () => {
  drawStrips();
  startBudget();
  drawPlanes();
  const asked = Number(location.hash.match(/^#trial-(\d+)$/)?.[1] ?? NaN);
  choose(trials.has(asked) ? asked : all.pick, "start");
  pair = [...new Set([all.pick, order.at(-1), order[0]])].slice(0, 2);
  showPair();
};
