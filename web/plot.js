/** Where everything happened, drawn to scale around the home: no map, and so nobody else is asked for one. */

import { drawn, h } from "/web/elements.js";
import { metres } from "/web/place.js";

const METRES_A_DEGREE = 111_320;
const SIZE = 400;
const LEAST_METRES = 60;
const MOST_METRES = 2_000;

/**
 * A drawing with its legend: `home` in degrees, `radius` of the fence in metres or null, `spots` as
 * `{ kind: "in" | "out" | "live", words, place: { latitude, longitude, accuracyMetres } }`, `trails` as lists of places.
 */
export function plot({ home, radius, spots, trails }) {
  const flat = ({ latitude, longitude }) => ({
    x: (longitude - home.longitude) * METRES_A_DEGREE * Math.cos((home.latitude * Math.PI) / 180),
    y: (home.latitude - latitude) * METRES_A_DEGREE,
  });
  const far = [...spots.map(({ place }) => place), ...trails.flat()].map(flat).map(({ x, y }) => Math.hypot(x, y));
  const reach = Math.min(MOST_METRES, Math.max(LEAST_METRES, radius ?? 0, ...far) * 1.15);
  const scale = SIZE / 2 / reach;
  const at = (place) => {
    const { x, y } = flat(place);
    const beyond = Math.hypot(x, y) / reach;
    const back = beyond > 1 ? 0.97 / beyond : 1;
    return { x: x * scale * back, y: y * scale * back };
  };
  const names = ["Home", ...spots.map(({ words }) => words)].join("; ");
  const svg = drawn(
    "svg",
    { class: "plot", viewBox: `${-SIZE / 2} ${-SIZE / 2} ${SIZE} ${SIZE}`, role: "img", "aria-label": `Positions around the home: ${names}` },
    radius ? drawn("circle", { class: "fence", r: radius * scale }) : null,
    ...trails.map((trail) => line(trail.map(at))),
    drawn("path", { class: "home", d: "M-9 1 0-8 9 1M-6-1V8H6V-1" }),
    ...spots.map(({ kind, place }) => spot(kind, at(place), Math.min(SIZE, (place.accuracyMetres ?? 0) * scale))),
    ...ruler(reach, scale),
  );
  const legend = h("ul", { class: "legend" }, radius ? h("li", { "data-kind": "fence" }, `Fence, ${metres(radius)}`) : null,
    ...spots.map(({ kind, words }) => h("li", { "data-kind": kind }, words)), trails.length ? h("li", { "data-kind": "trail" }, "Track") : null);
  return h("div", { class: "places" }, svg, legend);
}

function line(points) {
  return drawn("polyline", { class: "trail", points: points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") });
}

function spot(kind, { x, y }, blur) {
  const place = { cx: x.toFixed(1), cy: y.toFixed(1) };
  return drawn("g", { class: `spot ${kind}` }, drawn("circle", { ...place, r: blur.toFixed(1), class: "blur" }), drawn("circle", { ...place, r: 6, class: "dot-there" }));
}

function ruler(reach, scale) {
  const length = [10, 20, 50, 100, 200, 500, 1000].findLast((one) => one <= reach * 0.6) ?? 10;
  const text = drawn("text", { x: -SIZE / 2 + 12, y: SIZE / 2 - 18, class: "ruler-word" });
  text.textContent = metres(length);
  const [x, y] = [-SIZE / 2 + 12, SIZE / 2 - 10];
  return [drawn("path", { class: "ruler", d: `M${x} ${y}h${(length * scale).toFixed(1)}M${x} ${y - 4}v8` }), text];
}
