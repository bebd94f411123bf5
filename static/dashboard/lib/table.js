import { h } from "./dom.js";

/** A card with a table that sorts by a click on its heads; update takes new rows and
 * keeps order and focus.
 * @param {{caption: string, key: string, columns: {key: string, head: string, cell?:
 * (row) => any, number?: boolean, minor?: boolean}[], sort: string, bar: string,
 * few?: number, onRow?: (row) => void, empty?: string}} t the first column holds the
 * name and the bar; minor ones are left out where it is narrow; few: rows at first */
export function sortable({ caption, key, columns, sort, bar, few = Infinity, onRow,
    empty = "Nothing in this window." }) {
  let by = sort;
  let descending = true;
  let rows = [];
  let all = false;
  const body = h("tbody");
  const nothing = h("p.quiet", {}, empty);
  const more = h("button.more.link", { type: "button", onclick: () => { all = !all; draw(); } });
  nothing.hidden = more.hidden = true; // until the first rows are drawn

  const heads =
    columns.map((column) =>
      h(`th${column.number ? ".number" : ""}${column.minor ? ".minor" : ""}`, { scope: "col" },
    h("button", { type: "button", onclick: () => {
      descending = by === column.key ? !descending : Boolean(column.number);
      by = column.key;
      draw();
    } }, column.head)));
  const scroll = h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, heads)), body));

  function compare(a, b) {
    const [x, y] = [a[by] ?? "", b[by] ?? ""];
    return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
  }

  function line(row, most) {
    const cells = columns.map((column, i) => i === 0
      ? h("td.name", { title: String(row[key] ?? "") }, h("div.named", {}, column.cell(row)),
        h("span.meter", { "--share": `${most > 0 ? (row[bar] / most) * 100 : 0}%` }))
      : h(`td${column.number ? ".number" : ""}${column.minor ? ".minor" : ""}`, {},
        column.cell(row)));
    return h("tr", {
      "data-key": row[key],
      ...(onRow && {
        tabindex: 0, onclick: () => onRow(row),
        onkeydown: (event) => { if (event.key === "Enter") onRow(row); },
      }),
    }, cells);
  }

  function draw() {
    heads.forEach((head, i) => {
      if (columns[i].key === by)
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const most = Math.max(...rows.map((row) => row[bar]), 0);
    const focused = body.contains(document.activeElement)
      ? document.activeElement.closest("tr").dataset.key
      : null;
    body.replaceChildren(...[...rows].sort(compare).slice(0, all ? rows.length : few)
      .map((row) => line(row, most)));
    if (focused !== null) {
      const again = [...body.rows].find((row) => row.dataset.key === focused);
      (again?.querySelector("button") ?? again)?.focus();
    }
    scroll.hidden = rows.length === 0;
    nothing.hidden = rows.length > 0;
    more.hidden = rows.length <= few;
    more.textContent = all ? "Show fewer" : `Show all ${rows.length}`;
  }

  function update(next) {
    rows = next;
    draw();
  }

  const element = h("section.card", { "aria-label": caption }, h("h2", {}, caption), scroll,
    nothing, more);
  return { element, update, say: (text) => { rows = []; draw(); nothing.textContent = text; } };
}
