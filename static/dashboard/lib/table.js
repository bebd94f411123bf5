import { h } from "./dom.js";

/** A table that sorts by a click on its heads.
 * @param {{caption: string, columns: {key: string, head: string, cell?: (row) => any, number?: boolean, wide?: boolean}[],
 *  rows: object[], sort?: string, bar?: string, onRow?: (row) => void}} t */
export function sortable({ caption, columns, rows, sort, bar, onRow }) {
  let by = sort ?? columns[0].key;
  let descending = columns.find((c) => c.key === by)?.number ?? false;
  const body = h("tbody");
  const most = bar ? Math.max(...rows.map((row) => row[bar]), 0) : 0;

  const heads = columns.map((column) =>
    h(`th${column.number ? ".number" : ""}`, { scope: "col" }, h("button", {
      type: "button",
      onclick: () => {
        descending = by === column.key ? !descending : column.number ?? false;
        by = column.key;
        draw();
      },
    }, column.head)));

  function compare(a, b) {
    const [x, y] = [a[by] ?? "", b[by] ?? ""];
    return (x < y ? -1 : x > y ? 1 : 0) * (descending ? -1 : 1);
  }

  function line(row) {
    const cells = columns.map((column, i) =>
      h(`td${column.number ? ".number" : ""}${column.wide ? ".wide" : ""}`, { title: column.wide ? String(row[column.key]) : null },
        column.cell ? column.cell(row) : String(row[column.key] ?? ""),
        i === 0 && most > 0 ? h("span.meter", { "--share": `${(row[bar] / most) * 100}%` }) : null));
    return h("tr", onRow ? {
      tabindex: 0,
      onclick: () => onRow(row),
      onkeydown: (event) => { if (event.key === "Enter") onRow(row); },
    } : {}, cells);
  }

  function draw() {
    heads.forEach((head, i) => {
      if (columns[i].key === by) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...[...rows].sort(compare).map(line));
  }

  draw();
  return h("section.card", {}, h("h2", {}, caption), rows.length
    ? h("div.scroll", {}, h("table", {}, h("thead", {}, h("tr", {}, heads)), body))
    : h("p.quiet", {}, "Nothing in this window."));
}
