for (const table of document.querySelectorAll("table.sortable"))
  table.tHead.querySelectorAll("th").forEach((th, column) => {
    const button = document.createElement("button");
    button.append(...th.childNodes);
    th.append(button);
    button.onclick = () => {
      const up = th.getAttribute("aria-sort") !== "ascending";
      table.tHead.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
      th.setAttribute("aria-sort", up ? "ascending" : "descending");
      const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((a, b) =>
        (up ? 1 : -1) * (value(a) - value(b) || value(a).localeCompare(value(b)))));
    };
  });
