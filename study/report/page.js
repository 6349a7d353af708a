// A press on a column's head sorts the table by it; another press turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const given = [...body.rows];
  heads.forEach((head, column) => {
    const text = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const written = given.map(text).filter((value) => value !== "");
    // Numbers by size, and what is no number below them; a column without numbers by its words.
    const isNumber = (value) => value !== "" && Number.isFinite(Number(value));
    const numbers = written.some(isNumber);
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.addEventListener("click", () => { // the whole head is a target for a finger; the button, for a key
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numbers; // the largest number first, words from A to Z
      const rows = [...body.rows];
      rows.sort((a, b) => {
        const [x, y] = [text(a), text(b)];
        const [no, none] = numbers ? [!isNumber(x), !isNumber(y)] : [x === "", y === ""];
        if (no || none) return no - none;
        const order = numbers ? Number(x) - Number(y) : x.localeCompare(y, "en");
        return down ? -order : order;
      });
      body.append(...rows);
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });
}
