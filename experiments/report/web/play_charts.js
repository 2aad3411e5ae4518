"use strict";
/* The curves and the histogram of `play`, drawn by uPlot in the colours of base.css.

   afterzero.playCharts({losses, errors, margins}) with three elements returns
     {clear(), add(rows), show({zero, level, stops, margins}), restyle(), epochs(), pictures()}:
   rows are [epoch, train loss, val loss, test loss, train error, test error]; `show` draws; `restyle` after a change of scheme;
   `epochs` are those that are drawn; `pictures` gives the canvases, for a picture of the page. */
window.afterzero ??= {parts: {}};
{
  const MOST = 3000, FIRST = 500;  // rows kept, so that what is drawn does not grow with the run; the first: all of them
  const LOWEST = 1e-6, HIGHEST = 1e12;  // of losses on the log scale; a hinge loss becomes 0, and uPlot has no names above
  const DASHES = {train: [7, 4], val: [2, 3], test: []};
  const HUES = {train: "--blue", val: "--purple", test: "--red"};
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = v => v === 0 ? "0" : Math.abs(v) >= 1e4 || Math.abs(v) < 1e-3 ? v.toExponential(0) : String(+v.toPrecision(2));

  /* Where a log scale has its lines: 1, 2, 5 times powers of ten, or these powers alone where there are many, or few of them. */
  function steps(u, i, low, high) {
    const found = [], decades = Math.log10(high / low), apart = Math.ceil(decades / 9);
    for (let power = apart * Math.floor(Math.log10(low) / apart); power <= Math.log10(high); power += apart) {
      for (const step of decades > 3 ? [1] : [1, 2, 5]) if (step * 10 ** power >= low && step * 10 ** power <= high) found.push(step * 10 ** power);
    }
    return found;
  }
  const logAxis = {splits: steps, filter: (u, all) => all};

  function axis(label, values, more = {}) {
    const line = {stroke: css("--line"), width: 1};
    return {stroke: css("--quiet"), font: `12px ${css("--letters")}`, labelFont: `12px ${css("--letters")}`, label, labelSize: label ? 18 : 0,
            labelGap: 0, size: 46, gap: 3, grid: line, ticks: {...line, size: 4}, border: {show: false},
            values: (u, all) => all.map(v => v == null ? "" : values(v)), ...more};
  }

  function line(kind) {
    return {stroke: css(HUES[kind]), width: 2, dash: DASHES[kind], points: {show: false}, spanGaps: true};
  }

  /* A mark with a word beside it, which stays inside the plot. */
  function word(u, text, x, y) {
    const {ctx, bbox} = u, ratio = devicePixelRatio || 1;
    ctx.font = `${12 * ratio}px ${css("--letters")}`;
    [ctx.textAlign, ctx.textBaseline] = ["left", "alphabetic"];
    const wide = ctx.measureText(text).width;
    x = Math.min(Math.max(x, bbox.left + 4 * ratio), bbox.left + bbox.width - wide - 4 * ratio);
    ctx.fillStyle = css("--ground");
    ctx.globalAlpha = 0.8;
    ctx.fillRect(x - 2 * ratio, y - 11 * ratio, wide + 4 * ratio, 14 * ratio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = css("--ink");
    ctx.fillText(text, x, y);
  }

  function stroke(u, x0, y0, x1, y1, dash, wide = 1.25) {
    const {ctx} = u, ratio = devicePixelRatio || 1;
    ctx.beginPath();
    ctx.setLineDash(dash.map(d => d * ratio));
    ctx.lineWidth = wide * ratio;
    ctx.strokeStyle = css("--ink");
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  afterzero.playCharts = roots => {
    const columns = [[], [], [], [], [], []];
    let seen = {zero: null, level: 0, stops: [], margins: null}, charts = {};

    const marks = named => u => {
      const {left, top, width, height} = u.bbox, ratio = devicePixelRatio || 1;
      u.ctx.save();
      for (const epoch of seen.stops) {  // short strokes on the axis: where a rule stopped
        const x = u.valToPos(epoch, "x", true);
        stroke(u, x, top + height, x, top + height - 9 * ratio, [], 2);
      }
      if (named && seen.level > 0) {
        const y = u.valToPos(seen.level, "y", true);
        if (y > top && y < top + height) {
          stroke(u, left, y, left + width, y, [3, 3]);
          word(u, "flood level", left + 6 * ratio, y - 4 * ratio);
        }
      }
      if (seen.zero !== null) {
        const x = u.valToPos(seen.zero, "x", true);
        stroke(u, x, top, x, top + height, [5, 3]);
        if (named) word(u, "zero training error", x + 5 * ratio, top + 13 * ratio);
      }
      u.ctx.restore();
    };
    /* What margins are divided by before they are drawn: 1, but a power of ten near divergence. */
    const unit = () => {
      const far = Math.max(...(seen.margins?.reach ?? [1]).map(Math.abs));
      return far < 1e6 ? 1 : 10 ** Math.floor(Math.log10(far));
    };
    const middle = u => {
      const {left, top, width, height} = u.bbox, ratio = devicePixelRatio || 1, x = u.valToPos(0, "x", true);
      u.ctx.save();
      stroke(u, x, top, x, top + height, [5, 3]);
      if (x - left > 120 * ratio) word(u, "wrongly classified", left + 6 * ratio, top + 13 * ratio);
      word(u, "rightly classified", left + width, top + 13 * ratio);
      u.ctx.restore();
    };

    const epochs = {time: false, distr: 3, range: (u, low, high) => [1, Math.max(10, high ?? 10)]};
    const options = {
      losses: () => ({
        scales: {x: epochs, y: {distr: 3, range: (u, low, high) => low == null ? [0.1, 1] : [low / 1.3, high * 2.6]}},
        axes: [axis("", short, {size: 22, ...logAxis}), axis("", short, logAxis)], series: [{}, ...["train", "val", "test"].map(line)],
        hooks: {draw: [marks(true)]}}),
      errors: () => ({
        scales: {x: epochs, y: {range: (u, low, high) => [0, Math.max(0.05, (high ?? 0.5) * 1.08)]}},
        axes: [axis("epochs", short, {size: 22, ...logAxis}), axis("", v => `${+(100 * v).toFixed(1)} %`)], series: [{}, line("train"), line("test")],
        hooks: {draw: [marks(false)]}}),
      margins: () => ({
        scales: {x: {time: false, range: () => seen.margins?.reach.map(end => end / unit()) ?? [-1, 1]},
                 y: {range: (u, low, high) => [0, Math.max(4, (high ?? 4) * 1.25)]}},
        axes: [axis("output of the label minus the other output", v => short(v * unit()), {size: 22}), axis("", short, {incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500]})],
        series: [{}, ...["--blue", "--ink"].map(name => ({
          fill: css(name), width: 0, points: {show: false}, paths: uPlot.paths.bars({size: [0.9, 60]})}))],
        hooks: {draw: [middle]}}),
    };
    const data = {
      losses: () => [columns[0], ...columns.slice(1, 4).map(c => c.map(v => v === null ? null : Math.min(Math.max(v, LOWEST), HIGHEST)))],
      errors: () => [columns[0], columns[4], columns[5]],
      margins: () => {
        const {reach: [low, high] = [-1, 1], right = [], wrong = []} = seen.margins ?? {}, wide = (high - low) / right.length;
        return [right.map((_, i) => (low + (i + 0.5) * wide) / unit()), right.map((count, i) => count + wrong[i]), wrong];
      },
    };

    function make() {
      for (const name in options) {
        charts[name]?.destroy();
        const root = roots[name], size = {width: Math.max(120, root.clientWidth), height: Math.max(80, root.clientHeight)};
        charts[name] = new uPlot({...size, legend: {show: false}, cursor: {show: false}, padding: [8, 16, 0, 0], ...options[name]()},
                                 data[name](), root);
      }
    }
    make();
    const resized = new ResizeObserver(() => {
      for (const name in charts) charts[name].setSize({width: Math.max(120, roots[name].clientWidth), height: Math.max(80, roots[name].clientHeight)});
    });
    for (const name in roots) resized.observe(roots[name]);

    return {
      clear() {
        for (const column of columns) column.length = 0;
        seen = {...seen, zero: null, stops: [], margins: null};
      },
      add(rows) {
        for (const row of rows) row.forEach((value, i) => columns[i].push(value));
        if (columns[0].length > MOST) {  // every second one; the last stays
          const odd = (columns[0].length - 1) % 2;
          columns.forEach((column, i) => { columns[i] = column.filter((_, place) => place < FIRST || place % 2 === odd); });
        }
      },
      show(now) {
        seen = {...seen, ...now};
        for (const name in charts) charts[name].setData(data[name]());
      },
      restyle: make,
      epochs: () => [...columns[0]],
      pictures: () => Object.fromEntries(Object.entries(charts).map(([name, chart]) => [name, chart.ctx.canvas])),
    };
  };
}
