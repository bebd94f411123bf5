/** What the cases of the views share: the records' sums as the page writes them, and its
 * parts. */
export const month = "?window=30d";
export const sum = (records, field) =>
  records.reduce((total, record) => total + record[field], 0);
export const money = (n) =>
  `$${n.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
export const count = (n) => n.toLocaleString("en-US");
export const drawn = (page) => page.waitForSelector(".tile");
export const cardOf = (page, name) => page.locator(`section[aria-label="${name}"]`);
