"use strict";
/* Flags along the slider of the scrubber: where training error was 0 for the first time, and where each stopping rule would have
   stopped. Names never lie over each other: a flag whose name would cover the stem of another one is hoisted above it, or its name
   goes to the other side. Everything stands in shares of the lane, as the ticks do, so that it is right on paper too. */
window.afterzero ??= {parts: {}};
{
  const ROW = 18, NEAR = 8;  // pixels that a name takes, and its stem at least
  const EDGE = 2, GAP = 4;  // pixels that a name reaches over its stem, and between two names
  const THUMB = 20;  // as --thumb is

  /* Where a share of the slider is, for calc(): the middle of the thumb there. */
  afterzero.scrubAt = share => `var(--thumb) / 2 + ${share} * (100% - var(--thumb))`;

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

  /* Where names go so that as few stems as can be are hidden behind them, in as few rows as can be. `flags` are {x, long} by x:
     where the stem stands, and how long the name is, in pixels of a lane so wide. Returns {leftwards, left, row} each: whether
     the name goes to the left of its stem, where it begins, and its row from 0 next to the slider. What is found holds for every
     wider lane: there stems stand farther apart, and names are as long. */
  afterzero.scrubPlaces = (flags, wide) => {
    let best = null;
    for (let sides = 0; sides < 2 ** flags.length; sides++) {  // of each name: 1 goes leftwards
      const ends = flags.map(({x, long}, i) => {
        const leftwards = Boolean(sides >> i & 1);
        const left = Math.max(0, Math.min(leftwards ? x + EDGE - long : x - EDGE, wide - long));
        return {x, leftwards, left, right: left + long};
      });
      const {rows, hidden} = stacked(ends);
      const moved = ends.filter(({leftwards}) => leftwards).length;
      const cost = 1000 * hidden + 10 * Math.max(0, ...rows) + rows.reduce((sum, row) => sum + row, 0) + 0.01 * moved;
      if (!best || cost < best.cost) best = {cost, places: ends.map(({leftwards, left}, i) => ({leftwards, left, row: rows[i]}))};
    }
    return best.places;
  };

  /* The rows of names whose ends are known, from the slider outwards: next is a name that covers no stem of those that are still
     to come, which go past it; where there is none, stems are hidden. */
  function stacked(ends) {
    const covers = (one, other) => other.x > one.left && other.x < one.right && Math.abs(other.x - one.x) > EDGE;
    const meets = (one, other) => one.left < other.right + GAP && other.left < one.right + GAP;
    const rows = Array(ends.length).fill(0), done = [], left = new Set(ends.keys());
    let hidden = 0;
    while (left.size) {
      const count = i => [...left].filter(j => j !== i && covers(ends[i], ends[j])).length;
      const [next, covered] = [...left].map(i => [i, count(i)]).reduce((best, one) => one[1] < best[1] ? one : best);
      hidden += covered;
      for (const j of done) if (covers(ends[next], ends[j]) || meets(ends[next], ends[j])) rows[next] = Math.max(rows[next], rows[j] + 1);
      left.delete(next);
      done.push(next);
    }
    return {rows, hidden};
  }

  /* Build the flags of one panel into its lane. `share(epoch)` is how far along the slider an epoch is, 0 to 1; the lane may
     become as narrow as `narrowest` pixels. */
  afterzero.scrubMarks = (lane, {title, rules, run, share, jump, narrowest = Infinity}) => {
    const upwards = lane.dataset.side === "left", wide = Math.min(lane.clientWidth, narrowest);
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
      return {x: THUMB / 2 + share(epoch) * (wide - THUMB), at: afterzero.scrubAt(share(epoch)), long: name.offsetWidth, name, stem};
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
    const places = afterzero.scrubPlaces(flags, wide), above = head.offsetHeight + 2;
    lane.style.height = `${above + (Math.max(-1, ...places.map(place => place.row)) + 1) * ROW + NEAR}px`;
    if (!upwards) head.style.bottom = "0";
    const from = upwards ? "bottom" : "top";
    flags.forEach(({at, long, name, stem}, i) => {
      const away = NEAR + places[i].row * ROW, end = places[i].leftwards ? "right" : "left";
      name.style[end] = `max(0px, min(${places[i].leftwards ? `100% - (${at})` : at} - ${EDGE}px, 100% - ${long}px))`;
      name.style[from] = `${away}px`;
      stem.style.left = `calc(${at})`;
      stem.style[from] = "0";
      stem.style.height = `${away + 4}px`;
    });
  };
}
