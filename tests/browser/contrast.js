// Every text that is seen and stands out too little from what is behind it (WCAG 2.2, 1.4.3), as lines of text.
const LEAST = 4.5;
const paper = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const components = (color) => {
  paper.clearRect(0, 0, 1, 1);
  paper.fillStyle = color;
  paper.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = paper.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
};
const over = ([r, g, b, alpha], below) =>
  [r, g, b].map((value, at) => value * alpha + below[at] * (1 - alpha)).concat(1);
const luminance = (color) => {
  const [r, g, b] = color.slice(0, 3).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
// What is behind a page that says nothing about it depends on the scheme.
const probe = document.documentElement.appendChild(document.createElement('div'));
probe.style.backgroundColor = 'Canvas';
const canvas = components(getComputedStyle(probe).backgroundColor);
probe.remove();
const background = (element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    layers.push(components(style.backgroundColor));
    if (layers.at(-1)[3] === 1) break;
  }
  return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
};
const opacity = (element) => {
  let product = 1;
  for (let at = element; at; at = at.parentElement) product *= Number(getComputedStyle(at).opacity);
  return product;
};
const found = new Map();
const look = (element, color, text) => {
  const behind = background(element);
  const [r, g, b, alpha] = components(color);
  const seen = over([r, g, b, alpha * opacity(element)], behind);
  const ratio = contrast(seen, behind);
  if (ratio >= LEAST) return;
  const name = element.tagName.toLowerCase() + (element.className.baseVal ?? element.className).replace(/^(?=.)|\s+/g, '.');
  const rgb = (color) => color.slice(0, 3).map(Math.round).join(' ');
  const line = `${name}: contrast ${ratio.toFixed(2)} of rgb(${rgb(seen)}) on rgb(${rgb(behind)})`;
  if (!found.has(line)) found.set(line, `${line}: ${text.trim().slice(0, 40)}`);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode.data, element = texts.currentNode.parentElement;
  if (!text.trim() || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
  // What is disabled may be faint.
  if (element.closest(':disabled, [aria-disabled=true]')) continue;
  const range = document.createRange();
  range.selectNodeContents(texts.currentNode);
  const box = range.getBoundingClientRect(), own = element.getBoundingClientRect();
  // Text for screen readers only takes no place.
  if (Math.min(box.width, own.width) <= 1 || Math.min(box.height, own.height) <= 1) continue;
  const style = getComputedStyle(element);
  look(element, element instanceof SVGElement ? style.fill : style.color, text);
}
for (const field of document.querySelectorAll('input, textarea, select')) {
  if (field.disabled || !field.checkVisibility()) continue;
  if (field.value) look(field, getComputedStyle(field).color, field.value);
  if (!field.value && field.placeholder) look(field, getComputedStyle(field, '::placeholder').color, field.placeholder);
}
return [...found.values()];
