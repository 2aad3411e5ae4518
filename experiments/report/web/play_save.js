"use strict";
/* Saving what was played: a picture with its caption, made here from the canvases, and Python lines, which came with the frame that is shown.

   afterzero.savePicture({field, charts, title, caption}) downloads a PNG; `charts` is a list of [heading, canvas].
   afterzero.showLines(text) opens the dialog with the lines, to be copied or downloaded. */
window.afterzero ??= {parts: {}};
{
  const WIDE = 1280, SIDE = 600, EDGE = 40;
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function download(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  /* Lines of text no wider than `wide`. */
  function broken(context, text, wide) {
    if (text.includes("\n")) return text.split("\n").flatMap(line => broken(context, line, wide));
    const lines = [""];
    for (const word of text.split(" ")) {
      const longer = lines[lines.length - 1] ? `${lines[lines.length - 1]} ${word}` : word;
      if (context.measureText(longer).width > wide && lines[lines.length - 1]) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    return lines;
  }

  afterzero.savePicture = ({field, charts, title, caption}) => {
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d"), letters = css("--letters");
    const font = (size, weight = 400) => `${weight} ${size}px ${letters}`;
    canvas.width = WIDE;
    context.font = font(19);
    const lines = broken(context, caption, WIDE - 2 * EDGE), top = 100;
    const beside = WIDE - SIDE - 3 * EDGE, heads = 26;
    const high = charts.map(([, chart]) => beside * chart.height / chart.width);
    const charted = high.reduce((sum, one) => sum + one + heads + 12, 0);
    canvas.height = top + Math.max(SIDE, charted) + 30 + 27 * lines.length + EDGE / 2;  // which clears the canvas
    context.fillStyle = css("--ground");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = css("--ink");
    context.font = font(28, 650);
    context.fillText(title, EDGE, 60);
    context.drawImage(field, EDGE, top, SIDE, SIDE);
    let y = top;
    charts.forEach(([heading, chart], i) => {
      context.font = font(18, 600);
      context.fillText(heading, SIDE + 2 * EDGE, y + 16);
      context.drawImage(chart, SIDE + 2 * EDGE, y + heads, beside, high[i]);
      y += heads + high[i] + 12;
    });
    context.font = font(19);
    lines.forEach((line, i) => context.fillText(line, EDGE, top + Math.max(SIDE, charted) + 36 + 27 * i));
    canvas.toBlob(blob => download(blob, "played.png"), "image/png");
  };

  afterzero.showLines = text => {
    const dialog = document.getElementById("code"), copy = document.getElementById("copy");
    dialog.querySelector("pre").textContent = text;
    copy.textContent = "Copy";
    copy.onclick = async () => {
      try {
        await navigator.clipboard.writeText(text);
        copy.textContent = "Copied";
      } catch {  // no permission: it can still be selected
        getSelection().selectAllChildren(dialog.querySelector("pre"));
        copy.textContent = "Selected: press Ctrl+C";
      }
    };
    document.getElementById("keep").onclick = () => download(new Blob([text], {type: "text/x-python"}), "played.py");
    document.getElementById("close").onclick = () => dialog.close();
    if (!dialog.open) dialog.showModal();
  };
}
