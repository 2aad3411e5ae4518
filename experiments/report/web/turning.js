// The direction of a linear classifier turns to that of the support vector machine. data: a set of samples each, with the
// weights w that were recorded at some numbers of updates. The plane is SVG, so that colours follow the reader's setting.
"use strict";
window.afterzero ??= {parts: {}};

afterzero.parts.turning = (root, data) => {
  if (data.missing) return; // the template says what to do
  const SVG = "http://www.w3.org/2000/svg", HEIGHT = 150;
  const find = (name) => root.querySelector(`.turning-${name}`);
  const number = (value, digits = 3) => String(Number(value.toPrecision(digits))).replace("-", "−");
  const above = (power) => [...String(Math.round(Math.log10(power)))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]).join("");
  const count = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();

  const svg = (name, parent, classes, settings = {}) => {
    const made = document.createElementNS(SVG, name);
    if (classes) made.setAttribute("class", `turning-part turning-${classes}`);
    for (const [key, value] of Object.entries(settings)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  // --- the plane: half as wide as `far` each way; y upwards ---

  const plane = (set) => {
    const far = 1.15 * Math.max(...set.x.flat().map(Math.abs));
    const place = find("plane");
    place.replaceChildren();
    const picture = svg("svg", place, "", {viewBox: `${-far} ${-far} ${2 * far} ${2 * far}`, role: "img"});
    const all = svg("g", picture, "", {transform: "scale(1 -1)"});
    svg("path", all, "axis", {d: `M${-far} 0H${far}M0 ${-far}V${far}`});
    const band = svg("polygon", all, "band");
    // The line on which w·x = offset, for w of length 1, from one side of the picture to the other.
    const along = ([a, b], offset) => {
      const long = 3 * far;
      return `M${a * offset - b * long} ${b * offset + a * long}L${a * offset + b * long} ${b * offset - a * long}`;
    };
    const corners = ([a, b], offset) => [[-1, -1], [1, -1], [1, 1], [-1, 1]].map( // of the band
      ([side, end]) => `${a * offset * side - b * 3 * far * end} ${b * offset * side + a * 3 * far * end}`).join(" ");
    svg("path", all, "machine", {d: along(set.direction, 0)});
    svg("path", all, "machine-edge", {d: along(set.direction, set.best) + along(set.direction, -set.best)});
    const line = svg("path", all, "line"), edges = svg("path", all, "edge");
    const size = 0.03 * far, arrow = 0.75 * far;
    const tip = ([a, b], [u, v] = [arrow * a, arrow * b]) =>
      `${u + 2 * size * a} ${v + 2 * size * b} ${u - size * b} ${v + size * a} ${u + size * b} ${v - size * a}`;
    svg("path", all, "goal", {d: `M0 0L${arrow * set.direction[0]} ${arrow * set.direction[1]}`});
    svg("polygon", all, "head-goal", {points: tip(set.direction)});
    const weights = svg("path", all, "weights"), head = svg("polygon", all, "head-weights"), arc = svg("path", all, "arc");
    set.x.forEach(([x, y], n) => !set.y[n] ? svg("circle", all, "zero", {cx: x, cy: y, r: size})
      : svg("rect", all, "one", {x: x - 0.9 * size, y: y - 0.9 * size, width: 1.8 * size, height: 1.8 * size}));
    for (const n of set.support) svg("circle", all, "support", {cx: set.x[n][0], cy: set.x[n][1], r: 2.2 * size});
    const wrong = svg("path", all, "wrong");
    const caption = document.createElement("figcaption");
    place.append(caption);
    legend(caption);
    return (frame, said) => {
      const w = set.w[frame], length = Math.hypot(...w), u = w.map((part) => part / length), margin = set.margin[frame];
      line.setAttribute("d", along(u, 0));
      edges.setAttribute("d", margin > 0 ? along(u, margin) + along(u, -margin) : "");
      band.setAttribute("points", margin > 0 ? corners(u, margin) : "");
      weights.setAttribute("d", `M0 0L${arrow * u[0]} ${arrow * u[1]}`);
      head.setAttribute("points", tip(u));
      const turned = u[0] * set.direction[1] - u[1] * set.direction[0] > 0 ? 1 : 0, near = 0.5 * arrow;
      const [end_x, end_y] = set.direction.map((part) => near * part);
      arc.setAttribute("d", `M${near * u[0]} ${near * u[1]}A${near} ${near} 0 0 ${turned} ${end_x} ${end_y}`);
      wrong.setAttribute("d", set.x.map(([x, y], n) => (w[0] * x + w[1] * y) * (set.y[n] ? 1 : -1) > 0 ? ""
        : `M${x - 2 * size} ${y - 2 * size}l${4 * size} ${4 * size}m0 ${-4 * size}l${-4 * size} ${4 * size}`).join(""));
      picture.setAttribute("aria-label", `The plane of the samples. ${said}`);
    };
  };

  const legend = (caption) => {
    const list = caption.appendChild(document.createElement("ul"));
    for (const [text, ...drawn] of [
      ["w/‖w‖, and the line w·x = 0", ["path", "weights", {d: "M0 .4H2"}], ["path", "line", {d: "M0 .8H2"}]],
      ["the same of the machine", ["path", "goal", {d: "M0 .4H2"}], ["path", "machine", {d: "M0 .8H2"}]],
      ["margin", ["rect", "band", {x: 0, y: 0.1, width: 2, height: 0.8}], ["path", "edge", {d: "M0 .1H2M0 .9H2"}]],
      ["class 0", ["circle", "zero", {cx: 1, cy: 0.5, r: 0.35}]],
      ["class 1", ["rect", "one", {x: 0.7, y: 0.2, width: 0.6, height: 0.6}]],
      ["support vector", ["circle", "support", {cx: 1, cy: 0.5, r: 0.4}]],
      ["misclassified", ["path", "wrong", {d: "M.7 .2l.6 .6m0 -.6l-.6 .6"}]]]) {
      const item = list.appendChild(document.createElement("li"));
      const mark = svg("svg", item, "", {viewBox: "0 0 2 1", "aria-hidden": "true"});
      for (const [name, classes, settings] of drawn) svg(name, mark, classes, settings);
      item.append(text);
    }
  };

  // --- the curves: x is the logarithm of the updates, from the first one on ---

  let charts = [], frame = 0, steps = null;
  const curves = (set) => {
    const place = find("curves");
    charts.forEach((chart) => chart.destroy());
    place.replaceChildren();
    const t = set.update.slice(1), grid = {stroke: () => colour("line"), width: 1};
    const axis = {stroke: () => colour("quiet"), grid, ticks: {show: false}, font: "12px system-ui, sans-serif", gap: 2};
    const tens = (u, splits) => splits.map((value) => Number.isInteger(Math.log10(value)) ? value : null); // others: no line
    const powers = (u, splits) => splits.map((value) => value === null ? "" : value < 1e4 ? `${value}` : `10${above(value)}`);
    charts = [["Angle to the machine in degrees, over updates (both log; dashed: theory)", 3, set.angle, set.expected],
              ["Margin, over updates (dashed: the machine’s, the largest)", 1, set.margin, set.margin.map(() => set.best)],
              ["‖w‖, over updates: it grows like log t", 1, set.norm, null]].map(([title, kind, values, aim]) => {
      const heading = place.appendChild(document.createElement("p"));
      heading.textContent = title;
      const holder = place.appendChild(document.createElement("div"));
      holder.setAttribute("role", "img");
      holder.setAttribute("aria-label", `${title}: ${number(values[1])} after the first update, ${number(values.at(-1))} ` +
        `after ${count(t.at(-1))}.`);
      const line = {stroke: () => colour("purple"), width: 2, points: {show: false}};
      const chart = new uPlot({
        width: place.clientWidth || 300, height: HEIGHT, legend: {show: false}, padding: [8, 16, 0, 0],
        cursor: {drag: {x: false, y: false}, points: {show: false}, y: false},
        scales: {x: {time: false, distr: 3, range: [1, t.at(-1)]}, y: {distr: kind}},
        axes: [{...axis, filter: tens, grid: {...grid, filter: tens}, values: powers, size: 24},
               {...axis, size: 44, ...(kind === 3 ? {filter: tens, grid: {...grid, filter: tens}, values: powers} : {})}],
        series: [{}, line, ...(aim ? [{...line, stroke: () => colour("green"), dash: [6, 4]}] : [])],
        hooks: {draw: [(u) => mark(u, values)]},
      }, [t, values.slice(1), ...(aim ? [aim.slice(1)] : [])], holder);
      holder.addEventListener("click", () => {
        if (chart.cursor.idx != null) { steps.stop(); steps.set(chart.cursor.idx + 1); }
      });
      return chart;
    });
  };
  // Where training is now: a line and a dot, drawn over the curves.
  const mark = (u, values) => {
    if (!frame) return; // log 0
    const x = u.valToPos(u.data[0][frame - 1], "x", true), y = u.valToPos(values[frame], "y", true);
    u.ctx.save();
    u.ctx.setLineDash([]);
    u.ctx.strokeStyle = u.ctx.fillStyle = colour("ink");
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.beginPath();
    u.ctx.arc(x, y, 4 * devicePixelRatio, 0, 2 * Math.PI);
    u.ctx.fill();
    u.ctx.restore();
  };

  // --- words, computed from the frame ---

  const told = (set, at) => {
    const t = set.update[at], wrong = Math.round(set.train_error[at] * set.x.length), margin = set.margin[at];
    const parts = [t ? `After ${count(t)} update${t > 1 ? "s" : ""}` : "Before the first update",
      ` the angle to the machine is ${number(set.angle[at])}°`,
      set.expected[at] === null ? "" : ` (theory: ${number(set.expected[at])}°)`,
      `; ‖w‖ = ${number(set.norm[at])}. `,
      wrong ? `${wrong} of ${set.x.length} samples ${wrong > 1 ? "are" : "is"} misclassified: there is no margin yet.`
        : `No sample is misclassified, and the margin is ${number(margin)}, ${number(100 * margin / set.best)} % of the ` +
          `machine’s ${number(set.best)}.`];
    if (at === set.update.length - 1) {
      const slow = set.across === 0 ? "Here w̃ has nothing across w_svm, so that the angle falls faster than 1/log t."
        : `Falling like 1/log t, the angle would be half as large after about ${count(t)}² updates.`;
      parts.push(` ${slow}`);
    }
    return parts.join("");
  };

  let draw = null, set = null;
  const show = (at) => {
    frame = at;
    const words = told(set, at);
    find("now").textContent = words;
    draw(at, words);
    charts.forEach((chart) => chart.redraw(false, false));
  };
  const choose = (number) => {
    set = data[number];
    draw = plane(set);
    curves(set);
  };

  const label = find("choice").appendChild(document.createElement("label"));
  const select = find("choice").appendChild(document.createElement("select"));
  label.textContent = "Samples";
  select.id = label.htmlFor = "turning-samples";
  data.forEach(({title}, n) => select.add(new Option(title, n)));
  choose(0);
  steps = afterzero.stepper(find("steps"), {label: "Updates (log)", count: set.update.length, at: 0, pause: 150, show,
                                            said: (at) => `${count(set.update[at])} updates, ${number(set.angle[at])} degrees`});
  select.addEventListener("change", () => { choose(Number(select.value)); steps.renew(set.update.length); });
  const fit = () => charts.forEach((chart) => chart.setSize({width: find("curves").clientWidth, height: HEIGHT}));
  new ResizeObserver(fit).observe(find("curves"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", fit);
};
