/** Makes elements. Text is only ever added as text nodes: what people wrote can never become markup. */

const SVG = "http://www.w3.org/2000/svg";
const drawnAs = new WeakMap();

/** An element with attributes (`on` holds listeners; null and false leave an attribute out) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  const { on = {}, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An element of a drawing. */
export function drawn(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children.flat().filter(Boolean));
  return element;
}

/** A drawing from the sprite, hidden from screen readers: the words beside it say the same. */
export function icon(name) {
  return drawn("svg", { class: "icon", "aria-hidden": "true" }, drawn("use", { href: `/web/icons.svg#${name}` }));
}

/** Change what is in an element, only if it is to be something else (`said`), and leave the focus where it was. */
export function redraw(element, said, content) {
  const signature = JSON.stringify(said);
  if (drawnAs.get(element) === signature) return;
  drawnAs.set(element, signature);
  const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
  element.replaceChildren(...content().flat(2).filter(Boolean));
  if (focused) element.querySelector(`#${CSS.escape(focused)}`)?.focus();
}

/** Bring `nodes` into the container in this order; nodes of class `leaving` stay until they have left. */
export function arrange(container, nodes) {
  const wanted = new Set(nodes);
  let place = container.firstChild;
  const skip = () => {
    while (place && !wanted.has(place)) {
      const next = place.nextSibling;
      if (!(place instanceof Element && place.classList.contains("leaving"))) place.remove();
      place = next;
    }
  };
  for (const node of nodes) {
    skip();
    // A node that is in its place is not touched, so that it keeps the focus.
    if (place === node) place = place.nextSibling;
    else container.insertBefore(node, place);
  }
  place = place ?? null;
  skip();
}

/** Whether the person asked their device for little motion. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Let an element fade and close its gap, then remove it. */
export async function leave(element, milliseconds = 420) {
  element.classList.add("leaving");
  element.inert = true;
  if (!calm()) {
    const height = `${element.offsetHeight}px`;
    const frames = [
      { height, opacity: 1, transform: "none" },
      { height, opacity: 0, transform: "translateX(2rem)", offset: 0.55 },
      { height: 0, opacity: 0, transform: "translateX(2rem)", paddingBlock: 0, marginBlock: 0, borderWidth: 0 },
    ];
    element.style.overflow = "hidden";
    await element.animate(frames, { duration: milliseconds, easing: "ease-in-out" }).finished.catch(() => {});
  }
  element.remove();
}

/** Let an element that has just come in draw the eye for a moment. */
export function arrive(element) {
  if (calm()) return;
  element.animate([{ opacity: 0, transform: "translateY(-.5rem)" }, { opacity: 1, transform: "none" }], {
    duration: 320,
    easing: "ease-out",
  });
}
