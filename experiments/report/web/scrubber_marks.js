"use strict";
/* Flags along the slider of the scrubber: where training error was 0 for the first time, and where each stopping rule would have
   stopped. Names never lie over each other: a flag whose name would cover the stem of another one is hoisted above it. */
window.afterzero ??= {parts: {}};
{
  const ROW = 18, NEAR = 8;  // pixels that a name takes, and its stem at least

  /* The flags of a run as [epoch, words, kind], and the rules that never stopped it. */
  afterzero.scrubFlags = (rules, run) => {
    const flags = [], never = [];
    for (const rule of rules) {
      const epoch = run.stops[rule];
      if (epoch === undefined) never.push(rule);
      else if (rule === "ZeroError()" && epoch === run.zero) flags.push([epoch, "training error 0: ZeroError()", "zero"]);
      else flags.push([epoch, rule, ""]);
    }
    if (run.zero !== null && !flags.some(([, , kind]) => kind)) flags.push([run.zero, "training error 0", "zero"]);
    return [flags.sort((a, b) => a[0] - b[0]), never];
  };

  /* The row of each flag, from 0 next to the slider. `flags` are {x, left, right} by x: stem, and ends of the name, which goes to
     the right of its stem, or to the left with `leftwards`. */
  afterzero.scrubRows = (flags, leftwards = false) => {
    if (leftwards) return afterzero.scrubRows(flags.map(({x, left, right}) => ({x: -x, left: -right, right: -left})).reverse()).reverse();
    const rows = Array(flags.length).fill(0);
    for (let i = flags.length - 1; i >= 0; i--) {
      for (let j = i + 1; j < flags.length; j++) {
        const covers = flags[j].x <= flags[i].right + 4, meets = flags[j].left <= flags[i].right + 4;
        if (covers || meets) rows[i] = Math.max(rows[i], rows[j] + 1);
      }
    }
    return rows;
  };

  /* Where names go: to the right, or to the left where that leaves far fewer pixels of them outside; back inside where some are. */
  function placed(flags, wide) {
    const outside = leftwards => flags.reduce(
      (sum, {x, long}) => sum + Math.max(0, leftwards ? long - x : x - 4 + long - wide), 0);
    const leftwards = outside(true) + 0.15 * wide < outside(false);
    const ends = flags.map(({x, long}) => {
      const left = Math.max(0, Math.min(leftwards ? x + 4 - long : x - 4, wide - long));
      return {x, left, right: left + long};
    });
    const rows = afterzero.scrubRows(ends, leftwards);
    return ends.map(({left}, i) => ({left, row: rows[i]}));
  }

  /* Build the flags of one panel into its lane. `share(epoch)` is how far along the slider an epoch is, 0 to 1. */
  afterzero.scrubMarks = (lane, {title, rules, run, share, jump}) => {
    const upwards = lane.dataset.side === "left", thumb = 20, wide = lane.clientWidth;
    const [marks, never] = afterzero.scrubFlags(rules, run);
    lane.replaceChildren();
    const head = document.createElement("div"), small = document.createElement("small");
    head.className = "scrub-lane-title";
    small.textContent = never.length ? `  never: ${never.join(", ")}` : "";
    head.append(title, small);
    lane.append(head);
    const flags = marks.map(([epoch, words, kind]) => {
      const name = document.createElement("button"), stem = document.createElement("div");
      name.type = "button";
      name.className = `scrub-flag ${kind && "scrub-flag-zero"}`;
      stem.className = `scrub-stem ${kind && "scrub-stem-zero"}`;
      name.textContent = words;
      name.title = `epoch ${epoch}`;
      name.setAttribute("aria-label", `${title}: ${words} at epoch ${epoch}`);
      name.addEventListener("click", () => jump(epoch));
      name.tabIndex = lane.querySelector("button") ? -1 : 0;  // one stop of the Tab key; arrows lead from flag to flag
      lane.append(stem, name);
      return {x: thumb / 2 + share(epoch) * (wide - thumb), long: name.offsetWidth, name, stem};
    });
    lane.onkeydown = event => {
      const step = {ArrowLeft: -1, ArrowRight: 1}[event.key], here = flags.findIndex(flag => flag.name === event.target);
      const next = step && flags[here + step];
      if (!next) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      next.name.tabIndex = 0;
      next.name.focus();
    };
    const places = placed(flags, wide), above = head.offsetHeight + 2;
    lane.style.height = `${above + (Math.max(-1, ...places.map(place => place.row)) + 1) * ROW + NEAR}px`;
    if (!upwards) head.style.bottom = "0";
    const from = upwards ? "bottom" : "top";
    flags.forEach(({x, name, stem}, i) => {
      const away = NEAR + places[i].row * ROW;
      name.style.left = `${places[i].left}px`;
      name.style[from] = `${away}px`;
      stem.style.left = `${x}px`;
      stem.style[from] = "0";
      stem.style.height = `${away + 4}px`;
    });
  };
}
