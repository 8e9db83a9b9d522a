(() => {
  // Loads the page anew while the search writes it: not while the reader does something, and not for ever.
  const box = document.querySelector(".running"), next = box.querySelector(".next"), button = box.querySelector("button");
  const {written, every, patience} = Object.fromEntries(Object.entries(box.dataset).map(([k, v]) => [k, Number(v)]));
  const place = "nas " + location.pathname, loaded = Date.now();
  const minutes = Math.round((loaded - written) / 60000), late = loaded - written > patience * 1000;
  let touched = 0;
  const folds = () => document.querySelectorAll("details");
  const nameOf = fold => fold.querySelector("summary").textContent.replace(/\d+/g, "");  // a new one may come before it
  const recall = () => { try { return JSON.parse(sessionStorage.getItem(place)) || {}; } catch { return {}; } };
  const keep = state => { try { sessionStorage.setItem(place, JSON.stringify(state)); } catch { /* it starts at the top */ } };
  const state = recall();
  const set = state.fields || {};  // what the reader has set, and no script
  const again = () => {
    keep({
      paused: state.paused, again: true, x: scrollX, y: scrollY, focus: document.activeElement.id,
      open: Object.fromEntries([...folds()].map(fold => [nameOf(fold), fold.open])), fields: set,
    });
    location.reload();
  };
  const restore = () => {
    for (const fold of folds()) fold.open = state.open[nameOf(fold)] ?? fold.open;
    for (const [id, [value, checked, meant]] of Object.entries(set)) {
      const field = document.getElementById(id);
      if (!field) continue;
      field.value = value;
      field.checked = checked;
      if (meant) field.dataset.meant = meant;
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
    }
    if (state.focus) document.getElementById(state.focus)?.focus({preventScroll: true});
    scrollTo(state.x, state.y);
  };
  const tell = () => {
    if (late) {
      box.querySelector("b").textContent = "This search was running:";
      next.textContent = `That was ${minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`} ago, and `
        + "nothing was written since: it was ended, or one training takes long. The page no longer reloads itself.";
      button.textContent = "Reload";
    } else {
      next.textContent = state.paused ? "The page stays as it is." : "The page reloads itself.";
      button.textContent = state.paused ? "Go on" : "Pause";
    }
    const idle = Date.now() - touched > 5000 && !document.hidden && !String(getSelection());
    if (!late && !state.paused && idle && Date.now() - loaded > every * 1000) again();
  };
  button.addEventListener("click", () => {
    if (late) return again();
    keep({paused: state.paused = !state.paused, fields: set});
    tell();
  });
  for (const kind of ["input", "change"])
    addEventListener(kind, event => {
      const field = event.target;
      if (event.isTrusted && field.id) set[field.id] = [field.value, field.checked, field.dataset.meant];
    });
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"])
    addEventListener(kind, () => { touched = Date.now(); }, {passive: true});
  if (state.again) addEventListener("load", restore);
  keep({paused: state.paused, fields: set});
  tell();
  setInterval(tell, 1000);
})();
