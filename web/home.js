/** Says beside each health address how it answers now. */

for (const place of document.querySelectorAll("b[data-state]")) {
  fetch(place.dataset.state)
    .then((response) => response.ok)
    .catch(() => false)
    .then((isWell) => {
      place.textContent = isWell ? "Yes." : "No.";
      place.className = isWell ? "good" : "bad";
    });
}
