"use strict";
/* A decision field on a canvas: what a network of two inputs says of every place, and the points that it was shown.

   afterzero.drawField(canvas, {
     size,      // the field is size × size cells
     values,    // Uint8Array(size²), row 0 at the TOP of the plane: 0 is surely class 0, 255 surely class 1
     squeeze,   // 1 (default): values are 255 p, p the probability of class 1. s: 255 / (1 + exp(-logit(p) / s)), which still
                // tells where the boundary runs when nearly every p is 0 or 1
     box,       // [left, right, bottom, top] of the plane
     points,    // [x, y, x, y, …] in the plane, or none
     labels,    // 0 or 1 of each point: what training sees
     wrong,     // of each point whether its label was flipped, or none
     boundary,  // false: no line where the two classes are equally likely
     radius,    // of a point, in CSS pixels (default: by the canvas's width)
   })
   fits the canvas's pixels to its size on the screen (CSS gives it one: class "field") and draws. Class 0 is a blue disc,
   class 1 an orange square, a wrong label has a ring of ink around it: nobody needs the colours to tell them apart. Colours
   are those of base.css (--ground, --ink, --class-0, --class-1); after a change of scheme draw again.

   afterzero.fieldLine(values, size, level = 127.5) -> [[x0, y0, x1, y1], …], the line at a level in cells, for tests.
   afterzero.fitCanvas(canvas) -> its 2D context, scaled to CSS pixels. afterzero.colour("--blue", canvas) -> [r, g, b]. */
window.afterzero ??= {parts: {}};
{
  const FINE = 4;  // the field is interpolated to so many pixels a cell; the browser smooths the rest
  const STRONGEST = 0.5;  // of a hue in the field, so that points of the same hue stand out
  const known = new Map();  // of colours as CSS spells them
  const probe = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const screen = document.createElement("canvas");  // the field before it is enlarged

  afterzero.colour = (name, element = document.documentElement) => {
    const text = getComputedStyle(element).getPropertyValue(name).trim() || "#888";
    if (!known.has(text)) {
      probe.clearRect(0, 0, 1, 1);
      probe.fillStyle = text;
      probe.fillRect(0, 0, 1, 1);
      known.set(text, [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
    }
    return known.get(text);
  };

  afterzero.fitCanvas = canvas => {
    const ratio = window.devicePixelRatio || 1;
    const wide = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const high = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  };

  const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
  const mix = (a, b, share) => a.map((value, i) => Math.round(value + share * (b[i] - value)));

  /* The colour of each of the 256 values, from surely class 0 over the ground to surely class 1. */
  function palette(ground, low, high, squeeze) {
    const table = new Uint8ClampedArray(256 * 3);
    for (let v = 0; v < 256; v++) {
      const inside = Math.min(Math.max(v, 0.25), 254.75);
      const sure = Math.tanh(squeeze * Math.log(inside / (255 - inside)) / 2);  // 2 p - 1
      table.set(mix(ground, sure < 0 ? low : high, STRONGEST * Math.abs(sure) ** 0.8), 3 * v);
    }
    return table;
  }

  /* Paint the field into `screen`, FINE pixels a cell, interpolated between the centres of cells. */
  function paint(values, size, table) {
    const side = size * FINE;
    if (screen.width !== side) screen.width = screen.height = side;
    const context = screen.getContext("2d"), image = context.createImageData(side, side), pixels = image.data;
    const before = new Int32Array(side), share = new Float32Array(side);
    for (let i = 0; i < side; i++) {
      const at = Math.min(Math.max((i + 0.5) / FINE - 0.5, 0), size - 1);
      before[i] = Math.min(Math.floor(at), size - 2);
      share[i] = at - before[i];
    }
    for (let row = 0, pixel = 0; row < side; row++) {
      const top = before[row] * size, down = share[row];
      for (let column = 0; column < side; column++, pixel += 4) {
        const first = top + before[column], across = share[column];
        const upper = values[first] + across * (values[first + 1] - values[first]);
        const lower = values[first + size] + across * (values[first + size + 1] - values[first + size]);
        const colour = 3 * Math.round(upper + down * (lower - upper));
        pixels[pixel] = table[colour];
        pixels[pixel + 1] = table[colour + 1];
        pixels[pixel + 2] = table[colour + 2];
        pixels[pixel + 3] = 255;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /* Marching squares: the pieces of the line at `level`, between centres of cells, in units of cells from the top left. */
  afterzero.fieldLine = (values, size, level = 127.5) => {
    const pieces = [];
    for (let row = 0; row + 1 < size; row++) {
      for (let column = 0; column + 1 < size; column++) {
        const i = row * size + column;
        const corners = [values[i], values[i + 1], values[i + size + 1], values[i + size]];  // clockwise
        const places = [[0, 0], [1, 0], [1, 1], [0, 1]], cuts = [];
        for (let side = 0; side < 4; side++) {
          const a = corners[side] - level, b = corners[(side + 1) % 4] - level;
          if (a < 0 === b < 0) continue;
          const [x, y] = places[side], [u, v] = places[(side + 1) % 4], share = a / (a - b);
          cuts.push([column + 0.5 + x + share * (u - x), row + 0.5 + y + share * (v - y)]);
        }
        // A saddle has four cuts: two lines; which two belong together is seen by the middle.
        const turned = cuts.length === 4 && (corners.reduce((sum, v) => sum + v) / 4 < level) === (corners[0] < level);
        if (turned) cuts.push(cuts.shift());
        for (let cut = 0; cut + 1 < cuts.length; cut += 2) pieces.push([...cuts[cut], ...cuts[cut + 1]]);
      }
    }
    return pieces;
  };

  function drawLine(context, pieces, cell, colour) {
    context.beginPath();
    for (const [x0, y0, x1, y1] of pieces) {
      context.moveTo(x0 * cell[0], y0 * cell[1]);
      context.lineTo(x1 * cell[0], y1 * cell[1]);
    }
    context.lineWidth = 1.25;
    context.lineCap = "round";
    context.strokeStyle = colour;
    context.stroke();
  }

  function drawPoint(context, x, y, radius, square) {
    context.beginPath();
    if (square) context.rect(x - 0.9 * radius, y - 0.9 * radius, 1.8 * radius, 1.8 * radius);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
  }

  afterzero.drawField = (canvas, {size, values, squeeze = 1, box, points = [], labels = [], wrong = [], boundary = true,
                                  radius}) => {
    const context = afterzero.fitCanvas(canvas), wide = canvas.clientWidth, high = canvas.clientHeight;
    const [ground, ink, blue, orange] = ["--ground", "--ink", "--class-0", "--class-1"].map(n => afterzero.colour(n, canvas));
    paint(values, size, palette(ground, blue, orange, squeeze));
    context.imageSmoothingEnabled = true;
    context.drawImage(screen, 0, 0, wide, high);
    if (boundary) drawLine(context, afterzero.fieldLine(values, size), [wide / size, high / size], css(ink));
    const [left, right, bottom, top] = box, r = radius ?? Math.min(4.2, Math.max(2.4, wide / 90));
    // Those with wrong labels last, so that none hides one.
    const order = [...labels.keys()].sort((a, b) => Number(!!wrong[a]) - Number(!!wrong[b]));
    for (const i of order) {
      const x = (points[2 * i] - left) / (right - left) * wide, y = (top - points[2 * i + 1]) / (top - bottom) * high;
      if (wrong[i]) {
        context.beginPath();
        context.arc(x, y, 2 * r, 0, 2 * Math.PI);
        context.lineWidth = 1.5;
        context.strokeStyle = css(ink);
        context.stroke();
      }
      drawPoint(context, x, y, r, labels[i]);
      context.fillStyle = css(labels[i] ? orange : blue);
      context.fill();
      context.lineWidth = 1;
      context.strokeStyle = css(ground);
      context.stroke();
    }
  };
}
