// Where a person would click the element, or what is in the way.
function () {
  if (this.disabled || this.getAttribute('aria-disabled') === 'true') return 'it is disabled';
  this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
  const box = this.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) return 'it has no size';
  const x = Math.floor(box.x + box.width / 2), y = Math.floor(box.y + box.height / 2);
  const top = document.elementFromPoint(x, y);
  if (!top) return 'it is outside of the window';
  const own = [this, ...(this.labels ?? [])];
  if (!own.some((element) => element.contains(top))) return 'it is covered by ' + top.outerHTML.slice(0, 120);
  return {x, y};
}
