// The chosen network: its picture, its stages, its values, its file, and the commands that train and export it.
const panel = document.getElementById("panel");

const copyButton = (text, what) => make("button", {class: "copy", "aria-label": `Copy ${what}`, onclick: async event => {
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected";
  }
  setTimeout(() => button.textContent = "Copy", 1500);
}}, "Copy");
const copied = (inside, text, what) => make("div", {class: "copied"}, inside, copyButton(text, what));

const stageRows = network => {
  const row = (name, kind, size, map, more) => make("tr", {}, make("th", {scope: "row"}, name),
    make("td", {}, ...kind, make("small", {}, more.join(", "))), make("td", {class: "number"}, size),
    make("td", {class: "number"}, map));
  const side = part => network.known ? `${part.side}²` : "";
  const {stem, stages, head} = network;
  return make("table", {class: "parts"},
    make("thead", {}, make("tr", {}, ...["", "block", "width", "map"].map(text => make("th", {scope: "col"}, text)))),
    make("tbody", {}, row("stem", [stem.kind], stem.width, side(stem), options(stem, "stem")),
      ...stages.map(stage => row(String(stage.at), [tileOf(stage.block), ` ${stage.block} × ${stage.depth}`], stage.width,
        side(stage), options(stage, "stage"))),
      row("head", [head.kind], "", "", options(head, "head"))));
};
const tileOf = block => {
  const [colour, letter, over] = all.blocks[block];
  return make("span", {class: "layout", "aria-hidden": "true"}, make("b", {style: `background:${colour};color:${over}`}, letter));
};

const valueRows = trial => make("dl", {class: "values"}, ...all.metrics.flatMap((metric, i) => {
  if (trial.values[i] === null) return [];
  const half = trial.spreads[i], again = trial.again?.[metric.name], first = trial.first?.[metric.name],
    readings = trial.readings?.[metric.name];
  const more = [trial.interval?.[metric.name] !== undefined && "95 % interval",
    half && (readings ? `median of ${readings} measurements, the widest with interquartile range ${shown(metric, half)}`
      : `interquartile range ${shown(metric, half)}`),
    again !== undefined && `measured again: ${shown(metric, again)}`,
    first !== undefined && trial.below && `expected; so far ${shown(metric, first)}`,
    first !== undefined && trial.repeats && `mean of ${trial.repeats} further training${trial.repeats === 1 ? "" : "s"}; at first ${shown(metric, first)}`];
  return [make("div", {}, make("dt", {}, metric.title), make("dd", {}, make("b", {}, between(metric, trial)),
    ...more.filter(Boolean).map(text => make("small", {}, text))))];
}));

const standing = trial => {
  const said = [];
  if (trial.number === all.pick) said.push(`★ ${all.rule}`);
  if (trial.design) said.push(trial.design);
  if (onFront.has(trial.number)) said.push("on the front");
  else if (trial.state === "complete") said.push(trial.below ? "below the last rung" : "not on the front");
  else said.push(`${trial.state}: ${trial.reason}`);
  return said.join(" · ");
};

const commandsOf = trial => {
  if (trial.state !== "complete") return [];
  const name = `${all.plain}-${trial.number}`, lines = [
    ["train it to the end", `nas train ${all.folder}:${trial.number} --data ${all.data} --name ${name}`],
    ["export it, trained", `nas export ${name} --format onnx -o ${name}.onnx`],
    ["export its file", `nas export ${all.folder} --pick ${trial.number} -o ${name}.yaml`]];
  return lines.flatMap(([what, line]) => [make("h4", {}, what), copied(make("code", {}, line), line, `the command to ${what}`)]);
};

const finder = trial => make("form", {class: "finder", onsubmit: event => {
  event.preventDefault();
  const field = event.currentTarget.elements.number, found = choose(Number(field.value), "form");
  if (!found) {
    field.setCustomValidity(`This page knows no trial ${field.value}.`);
    field.reportValidity();
  }
}}, make("label", {}, "Trial ", make("input", {name: "number", type: "number", min: 0, required: true, value: trial.number,
  oninput: event => event.currentTarget.setCustomValidity("")})), make("button", {}, "Show"));

const showPanel = (trial, how) => {
  const inside = panel.contains(document.activeElement) && how === "form", text = yamlOf(trial);
  panel.replaceChildren(
    make("div", {class: "top"}, make("h3", {}, `Trial ${trial.number} `), finder(trial)),
    make("p", {class: "standing"}, standing(trial)),
    make("div", {class: "scroll"}, strip(trial)),
    make("div", {class: "scroll"}, stageRows(networkOf(trial))), valueRows(trial),
    make("button", {class: "compare-it", onclick: () => {
      compare(trial.number, true);
      sideBySide.scrollIntoView({block: "nearest"});
    }}, "Compare"));
  document.getElementById("file").replaceChildren(make("h3", {}, `Trial ${trial.number} as a file`),
    copied(make("pre", {tabindex: 0, "aria-label": `The YAML of trial ${trial.number}`}, text), text, "the YAML"),
    ...commandsOf(trial));
  if (inside) panel.querySelector("input").focus();
};
chosen.told.push(showPanel, (trial, how) => {
  for (const button of document.querySelectorAll("button.show[data-trial]"))
    button.closest("tr").toggleAttribute("data-chosen", Number(button.dataset.trial) === trial.number);
  if (how !== "start") try { history.replaceState(null, "", `#trial-${trial.number}`); } catch { /* too often: the address stays */ }
});
for (const button of document.querySelectorAll("button.show[data-trial]"))
  button.addEventListener("click", () => {
    choose(Number(button.dataset.trial));
    panel.scrollIntoView({block: "nearest"});
    panel.focus({preventScroll: true});
  });
