"use strict";
/* The three small charts of one panel of the scrubber: the margins' distribution at the epoch shown, and losses and errors of all
   epochs with a line at it. All panels have the same scales, so that what looks alike is alike. */
window.afterzero ??= {parts: {}};
{
  const PARTS = [["train", "train", [5, 3]], ["val", "valid.", [1.5, 2.5]], ["test", "test", []]];
  const BINS = 32;  // of the 256 values that a margin may have
  const LETTERS = "11px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

  /* afterzero.scrubNumber(0.0123) = "0.012": two significant digits, and three of what is above 10. */
  afterzero.scrubNumber = value => {
    if (value === 0) return "0";
    if (Math.abs(value) < 0.001) return value.toExponential(0).replace("e-", "e−");
    const text = Math.abs(value) >= 10 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(1) : value.toPrecision(2);
    return text.replace("-", "−");
  };

  /* afterzero.scrubMargin(data, byte) is the margin that a byte stands for; .byte(data, margin) the (broken) byte of a margin. */
  afterzero.scrubMargin = (data, byte) => Math.sinh((byte / 127.5 - 1) * Math.asinh(data.margin));
  afterzero.scrubMargin.byte = (data, margin) => 127.5 * (1 + Math.asinh(margin) / Math.asinh(data.margin));

  /* What the loss and error charts of both panels need to have room for. Validation losses may leave: with wrong labels among
     them they rise so far that nothing else would be seen. */
  afterzero.scrubLimits = runs => {
    const top = names => 1.08 * Math.max(...runs.flatMap(run => names.flatMap(name => run.curves[name])));
    return {loss: top(["train_loss", "test_loss"]), error: 100 * top(["train_error", "val_error", "test_error"])};
  };

  /* Draw the charts of a panel; `pick(epoch)` is called where somebody points at one. Returns what moves them. */
  afterzero.scrubCharts = (panel, data, hue, pick) => {
    const [epochs, last] = [data.epochs, data.epochs[data.epochs.length - 1]];
    const ink = (name, share = 1) => () => `rgb(${afterzero.colour(name, panel).join(" ")} / ${share})`;
    const box = name => panel.querySelector(`[data-chart="${name}"] .scrub-plot`);
    const caption = name => panel.querySelector(`[data-chart="${name}"] figcaption`);
    const limits = {loss: 1, error: 100, count: 1};
    const axis = more => ({stroke: ink("--quiet"), grid: {stroke: ink("--line"), width: 1}, ticks: {stroke: ink("--line"), size: 3},
                           font: LETTERS, gap: 3, ...more});
    const decades = Array.from({length: Math.floor(Math.log10(last)) + 1}, (_, power) => 10 ** power);
    const common = name => ({width: Math.max(60, box(name).clientWidth), height: Math.max(50, box(name).clientHeight),
                             cursor: {show: false}, legend: {show: false}, padding: [8, 12, 0, 0]});

    function curves(name, values) {
      const plot = new uPlot({
        ...common(name),
        scales: {x: {time: false, distr: 3, range: () => [1, last]}, y: {range: () => [0, limits[name]]}},
        axes: [axis({size: 18, splits: () => decades, filter: (u, splits) => splits,
                     values: (u, splits) => splits.map(epoch => epoch >= 1000 ? `${epoch / 1000}k` : epoch)}),
               axis({size: 30, space: 22, values: (u, splits) => splits.map(values)})],
        series: [{}, ...PARTS.map(([, , dash]) => ({stroke: ink(hue), width: dash.length ? 1.4 : 2, dash, points: {show: false}}))],
      }, [epochs, ...PARTS.map(() => epochs.map(() => null))], box(name));
      const now = document.createElement("div");
      now.className = "scrub-now";
      plot.over.append(now);
      const point = event => {
        const x = event.clientX - plot.over.getBoundingClientRect().left;
        pick(Math.min(last, Math.max(1, plot.posToVal(x, "x"))));
      };
      plot.over.addEventListener("pointerdown", point);
      plot.over.addEventListener("pointermove", event => event.buttons && point(event));
      return {plot, move: epoch => { now.style.left = `${plot.valToPos(epoch, "x")}px`; }};
    }

    function histogram() {
      const ticks = [-100, -10, -1, 0, 1, 10, 100].filter(margin => Math.abs(margin) <= data.margin);
      const bin = margin => afterzero.scrubMargin.byte(data, margin) / 256 * BINS;
      const bars = uPlot.paths.bars({size: [0.92, 40], align: 0});
      return new uPlot({
        ...common("margins"),
        scales: {x: {time: false, range: () => [0, BINS]}, y: {range: () => [0, limits.count]}},
        axes: [axis({size: 18, splits: () => ticks.map(bin), filter: (u, splits) => splits,
                     values: () => ticks.map(margin => String(margin).replace("-", "−"))}), axis({size: 30, space: 22})],
        series: [{}, {fill: ink(hue, 0.45), width: 0, paths: bars, points: {show: false}},
                 {fill: ink("--ink"), width: 0, paths: bars, points: {show: false}}],
      }, [Array.from({length: BINS}, (_, i) => i + 0.5), Array(BINS).fill(0), Array(BINS).fill(0)], box("margins"));
    }

    const charts = {loss: curves("loss", String), error: curves("error", String)}, margins = histogram();
    const plots = {loss: charts.loss.plot, error: charts.error.plot, margins};
    let run, bytes, wrong;

    function counts(frame, only) {
      const found = Array(BINS).fill(0), points = wrong.length;
      for (let i = 0; i < points; i++) if (!only || wrong[i]) found[bytes[frame * points + i] * BINS >> 8]++;
      return found;
    }

    function say(name, frame, scale) {
      const text = PARTS.map(([part, word], i) => `<span><i class="scrub-line-${i}"></i><em>${word}</em> <b>` +
        `${afterzero.scrubNumber(scale * run.curves[`${part}_${name}`][frame])}</b></span>`).join(" ");
      caption(name).innerHTML = `${name === "error" ? "error %" : "loss"} ${text}`;
    }

    return {
      /* Another run: `margins` are its bytes, frame by frame; `room` are the limits of both panels. */
      show(newRun, margins, set, room) {
        [run, bytes, wrong] = [newRun, margins, set.wrong];
        Object.assign(limits, room);
        limits.count = Math.ceil(Math.max(...epochs.map((_, frame) => Math.max(...counts(frame, false)))) / 10) * 10;
        for (const name of ["loss", "error"]) {
          const scale = name === "error" ? 100 : 1;
          plots[name].setData([epochs, ...PARTS.map(([part]) => run.curves[`${part}_${name}`].map(value => scale * value))]);
        }
      },
      at(frame) {
        plots.margins.setData([plots.margins.data[0], counts(frame, false), counts(frame, true)]);
        for (const name of ["loss", "error"]) {
          charts[name].move(epochs[frame]);
          say(name, frame, name === "error" ? 100 : 1);
        }
        const sorted = [...bytes.subarray(frame * wrong.length, (frame + 1) * wrong.length)].sort((a, b) => a - b);
        const [least, middle] = [sorted[0], sorted[sorted.length >> 1]].map(
          byte => afterzero.scrubNumber(afterzero.scrubMargin(data, byte)));
        caption("margins").innerHTML = `margins: least <b>${least}</b>, median <b>${middle}</b>` +
          (wrong.some(Boolean) ? ' <em><i class="scrub-bar"></i>label wrong</em>' : "");
      },
      resize() {
        for (const [name, plot] of Object.entries(plots)) {
          const {width, height} = common(name);
          if (plot.width !== width || plot.height !== height) plot.setSize({width, height});
        }
      },
      recolour() {
        for (const plot of Object.values(plots)) plot.redraw(false, true);
      },
    };
  };
}
