/** Makes an element; text is always text, so nothing a client sent is ever read as markup.
 * @param {string} tag "div", "p.name", "td.number" */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat()
    .filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const nameOf = (element) =>
  `${element.tagName} ${element.name || element.getAttribute("href") || element.textContent}`;

/** Puts children in; what had the focus before has it again where it is still there. */
export function replace(parent, ...children) {
  const focused = parent.contains(document.activeElement) && document.activeElement !== parent
    ? nameOf(document.activeElement)
    : null;
  parent.replaceChildren(...children.flat().filter((child) => child));
  if (focused !== null)
    [...parent.querySelectorAll("a, button, input, select, summary")].find((element) =>
      nameOf(element) === focused)?.focus();
}

export function message(title, ...body) {
  return h("section.card.message", {}, h("h2", {}, title), ...body);
}
