// Texts whose contrast is below "Contrast (Minimum)" of WCAG 2.2: 4.5, or 3 for large text. What is disabled is exempt.
() => {
  const parsed = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
    return { parts: [red, green, blue], alpha };
  };
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const luminance = ({ parts }) => {
    const [red, green, blue] = parts.map((part) => linear(part / 255));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    const colour = parsed(getComputedStyle(node).backgroundColor);
    return colour.alpha === 1 || !node.parentElement ? colour : behind(node.parentElement);
  };
  const wrong = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const node = texts.currentNode.parentElement;
    if (!text || !node.checkVisibility() || node.closest("[aria-disabled], option, .hidden, .skip")) continue;
    const style = getComputedStyle(node);
    const before = luminance(parsed(node.closest("svg") ? style.fill : style.color));
    const back = luminance(behind(node));
    const ratio = (Math.max(before, back) + 0.05) / (Math.min(before, back) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) wrong.add(`${text.slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [...wrong];
};
