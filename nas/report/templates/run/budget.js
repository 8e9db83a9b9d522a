// The slider over the second objective: the best network within it, and what more of it buys.
const second = objectives[1], first = objectives[0];
const better = (metric, a, b) => metric.more ? a > b : a < b;
const within = (value, budget) => Math.abs(value - budget) <= 1e-9 * Math.abs(budget) || better(second, value, budget);

// By the second objective, the most frugal first; of equals the best in the first objective.
const frugal = (a, b) => a.values[1] === b.values[1] ? (better(first, a.values[0], b.values[0]) ? -1 : 1)
  : better(second, a.values[1], b.values[1]) ? -1 : 1;
// The front by the second objective, the most frugal first, as far as each is better in the first.
const ladder = [...frontTrials].sort((a, b) => frugal(a, b))
  .reduce((steps, trial) => !steps.length || better(first, trial.values[0], steps.at(-1).values[0]) ? [...steps, trial] : steps, []);

// The least of 1, 2, 5, 10, 20, ... and of their tenths that is not below a value.
const round = value => {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find(times => times * unit >= value * .999) * unit;
};
// The budgets to choose from, the tightest first, in round numbers: by ratio where the front spans a wide range.
const budgets = (() => {
  const [from, to] = [ladder[0], ladder.at(-1)].map(trial => trial.values[1] * second.factor), found = new Set();
  const wide = Math.min(from, to) > 0 && Math.max(from, to) > 15 * Math.min(from, to), step = round(Math.abs(to - from) / 100 || 1);
  const loosened = (value, unit) => Number(((second.more ? Math.floor(value / unit + 1e-9) : Math.ceil(value / unit - 1e-9)) * unit).toPrecision(9));
  for (let i = 0; i <= 100; i++) {
    const value = wide ? from * (to / from) ** (i / 100) : from + (to - from) * i / 100;
    found.add(loosened(value, wide ? 10 ** (Math.floor(Math.log10(value)) - 1) : step));
  }
  return [...found];
})();
const limitWords = shownValue => `${shownValue.toLocaleString("en", {maximumSignificantDigits: 6})} ${second.unit}`.trimEnd();
const bestWithin = budget => ladder.findLastIndex(trial => within(trial.values[1] * second.factor, budget));

const saidOf = (budget, place) => {
  const trial = ladder[place], gap = other => difference(first, Math.abs(other.values[0] - trial.values[0]));
  const lines = [make("p", {}, "The best there: ", trialButton(trial.number), ` (${layoutOf(trial)}), ${first.words} `,
    make("b", {}, between(first, trial)), ` at ${shown(second, trial.values[1])}.`)];
  const again = trial.again?.[second.name];
  if (again !== undefined && !within(again * second.factor, budget))
    lines.push(make("p", {}, `Measured again at the end it has ${shown(second, again)}, outside this budget.`));
  const before = ladder[place - 1], after = ladder[place + 1], sign = first.more ? ["less", "more"] : ["more", "less"];
  if (before) lines.push(make("p", {}, "One step tighter: ", trialButton(before.number),
    `, ${gap(before)} ${sign[0]}, at ${shown(second, before.values[1])}.`));
  if (!after) return [...lines, make("p", {}, `${second.more ? "Less" : "More"} ${second.words} buys nothing on this front.`)];
  const step = round(Math.abs(budget) / 20 || 1), next = ladder[bestWithin(second.more ? budget - step : budget + step)];
  const paid = `${limitWords(Number(step.toPrecision(3))).replace("%", "points")} ${second.more ? "less" : "more"}`;
  lines.push(next === trial
    ? make("p", {}, `${paid} buys nothing yet; the next gain, ${gap(after)} ${sign[1]}, is `, trialButton(after.number), ` at ${shown(second, after.values[1])}.`)
    : make("p", {}, `${paid} buys ${gap(next)} ${sign[1]}: `, trialButton(next.number), ` at ${shown(second, next.values[1])}.`));
  return lines;
};

const slider = document.getElementById("budget-slider");
const readBudget = () => {
  const budget = budgets[slider.value], place = bestWithin(budget), trial = ladder[place], text = limitWords(budget);
  budgetAt = budget / second.factor;
  document.getElementById("budget-value").textContent = text;
  slider.setAttribute("aria-valuetext", `${second.more ? "at least" : "at most"} ${text}: trial ${trial.number}, ${valuesOf(trial)}`);
  document.getElementById("budget-said").replaceChildren(...saidOf(budget, place));
  return trial.number;
};
const startBudget = () => {
  if (ladder.length < 2) return;
  const pick = trials.get(all.pick).values[1] * second.factor;
  slider.max = budgets.length - 1;
  const at = budgets.findIndex(budget => within(pick, budget));
  slider.value = at < 0 ? budgets.length - 1 : at;
  document.getElementById("budget").hidden = false;
  readBudget();
  slider.addEventListener("input", event => {
    const apart = budget => Math.abs(budget - slider.dataset.meant);
    if (!event.isTrusted && slider.dataset.meant)  // a page that loads itself anew may have other budgets to choose from
      slider.value = budgets.reduce((best, budget, i) => apart(budget) < apart(budgets[best]) ? i : best, 0);
    const best = readBudget();
    if (!event.isTrusted) return;
    slider.dataset.meant = budgets[slider.value];
    choose(best, "slider");
  });
};
