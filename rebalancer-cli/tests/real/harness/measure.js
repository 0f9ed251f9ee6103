// What a reader sees of a document in its window, as numbers.
const measured = (page, view) => {
  const channel = x => (x /= 255) <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  const light = color => {
    const [r, g, b] = color.match(/[\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = view.getComputedStyle(element).backgroundColor;
      if (color && color !== 'rgba(0, 0, 0, 0)') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const seen = element => element.getBoundingClientRect().width > 0;
  const all = selector => [...page.querySelectorAll(selector)].filter(seen);
  let contrast = [99, ''];
  for (const element of all('h1, h2, p, dd, dt, th, td, li, a, span, svg text')) {
    const style = view.getComputedStyle(element);
    const front = light(element.tagName === 'text' ? style.fill : style.color), back = light(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < contrast[0]) contrast = [ratio, element.tagName + ' ' + element.textContent.slice(0, 40)];
  }
  const beyond = all('main, main > *, article > *, section > *').filter(e => e.getBoundingClientRect().right > view.innerWidth + 0.5);
  const broken = [];
  for (const cell of all('th, td')) {
    const text = cell.firstChild;
    for (const word of text ? text.data.matchAll(/[^\s-]+/g) : []) {
      const range = page.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (word[0].length <= 24 && range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return {
    content: page.documentElement.scrollWidth,
    beyond: beyond.map(element => element.tagName),
    contrast,
    charts: all('svg').length,
    smallest: Math.min(99, ...all('svg text').map(element => element.getBoundingClientRect().height)),
    paper: view.getComputedStyle(page.body).backgroundColor,
    broken,
  };
};
