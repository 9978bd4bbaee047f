"use strict";
(() => {
  const details = JSON.parse(document.getElementById("details").textContent);
  const tip = document.getElementById("tip");

  /** Lines about what is at a place of a map; (x, y) is within the cell, 0 to 1. */
  const describe = {
    degree(row, col) {
      const at = row * details.cols + col;
      if (details.node[at] < 0) return [`cell (${row}, ${col})`, "no node"];
      return [
        `cell (${row}, ${col}): node ${details.node[at]}`,
        `${details.degree[at]} of ${details.limit} couplings into it`,
        `${details.units[at]} coupling units used`,
      ];
    },
    boundaries(row, col, x, y) {
      // The nearest of the cell's four sides.
      const sides = [[1 - x, row, col + 1], [x, row, col - 1], [1 - y, row + 1, col], [y, row - 1, col]]
        .filter(([, r, c]) => r >= 0 && c >= 0 && r < details.rows && c < details.cols);
      if (!sides.length) return [`cell (${row}, ${col})`, "no boundary"];
      const [, r, c] = sides.reduce((best, side) => (side[0] < best[0] ? side : best));
      const wires = r === row ? details.columns[row * (details.cols - 1) + Math.min(c, col)] : details.across[Math.min(r, row) * details.cols + col];
      const share = details.capacity ? ` (${Math.round((100 * wires) / details.capacity)} %)` : "";
      return [`between (${row}, ${col}) and (${r}, ${c})`, `${wires} of ${details.capacity} tracks${share}`];
    },
    defects(row, col) {
      const at = row * details.cols + col;
      const lines = [`cell (${row}, ${col})`];
      if (details.dead.includes(at)) lines.push("dead");
      const slots = details.slots.filter(([cell]) => cell === at).map(([, slot]) => slot);
      if (slots.length) lines.push(`dead slots: ${slots.join(", ")}`);
      for (const [cell, gain] of details.gain) if (cell === at) lines.push(`gain ${gain}`);
      if (lines.length === 1) lines.push("no defect");
      return lines;
    },
    findings(row, col) {
      const count = details.findings[row * details.cols + col];
      return [`cell (${row}, ${col})`, count === 1 ? "1 finding" : `${count} findings`, ...(count ? ["click to list those that name it"] : [])];
    },
  };

  for (const map of document.querySelectorAll("svg.map")) {
    const cursor = map.querySelector(".cursor");
    const words = map.parentElement.querySelector("output");
    const rows = Number(map.dataset.rows), cols = Number(map.dataset.cols), cell = 10;
    let at = null;

    const show = (row, col, x, y) => {
      at = [row, col];
      cursor.setAttribute("x", col * cell);
      cursor.setAttribute("y", row * cell);
      cursor.removeAttribute("hidden");
      const lines = describe[map.dataset.map](row, col, x, y);
      words.textContent = lines.join("; ");
      return lines;
    };
    const hide = () => {
      tip.hidden = true;
      cursor.setAttribute("hidden", "hidden");
    };
    map.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
      const row = Math.floor(point.y / cell), col = Math.floor(point.x / cell);
      if (row < 0 || col < 0 || row >= rows || col >= cols) return hide();
      tip.textContent = show(row, col, point.x / cell - col, point.y / cell - row).join("\n");
      tip.hidden = false;
      const box = tip.getBoundingClientRect();
      tip.style.left = `${Math.min(event.clientX + 14, innerWidth - box.width - 6)}px`;
      tip.style.top = `${event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 10 : event.clientY + 18}px`;
    });
    map.addEventListener("pointerleave", hide);
    map.addEventListener("blur", hide);
    map.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const [row, col] = at ? [at[0] + step[0], at[1] + step[1]] : [0, 0];
      // Beside the right side of a cell, or below it, lies the boundary that the keys have come to.
      const [x, y] = step[0] ? [0.5, 0.9] : [0.9, 0.5];
      show(Math.max(0, Math.min(rows - 1, row)), Math.max(0, Math.min(cols - 1, col)), x, y);
    });
    map.addEventListener("click", () => {
      const search = document.getElementById("search");
      if (map.dataset.map !== "findings" || !search || !at) return;
      search.value = `(${at[0]}, ${at[1]})`;
      search.dispatchEvent(new Event("input"));
      document.getElementById("findings").scrollIntoView();
    });
  }

  const table = document.getElementById("finding-table");
  if (table) {
    const lines = [...table.tBodies[0].rows];
    const texts = lines.map((line) => line.textContent.toLowerCase());
    const search = document.getElementById("search"), code = document.getElementById("code"), proof = document.getElementById("proof");
    const filter = () => {
      const wanted = search.value.trim().toLowerCase();
      let shown = 0;
      lines.forEach((line, index) => {
        const keep = texts[index].includes(wanted) && (!code.value || line.dataset.code === code.value) &&
          (!proof.value || line.dataset.proof === proof.value);
        line.hidden = !keep;
        shown += keep;
      });
      document.getElementById("shown").textContent = `${shown} of ${lines.length} shown`;
    };
    for (const control of [search, code, proof]) control.addEventListener("input", filter);
    document.getElementById("clear").addEventListener("click", () => {
      search.value = code.value = proof.value = "";
      filter();
    });
    // Paper has no filters.
    addEventListener("beforeprint", () => lines.forEach((line) => { line.hidden = false; }));
    addEventListener("afterprint", filter);
    filter();
  }
})();
