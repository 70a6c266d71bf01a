/** A chart as a file of its own: what the page's style sheet says is written into it. */

export function standalone(chart: SVGSVGElement): string {
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const originals = [chart, ...chart.querySelectorAll<SVGElement>('*')];
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')];
  originals.forEach((element, k) => {
    const style = getComputedStyle(element);
    for (const name of ['fill', 'stroke'] as const) {
      const own = element.getAttribute(name);
      if (own && /var\(|currentColor/.test(own)) copies[k]!.setAttribute(name, style[name]);
    }
  });
  const { color, fontFamily } = getComputedStyle(chart);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('xmlns:xlink', 'http://www.w3.org/1999/xlink');
  copy.style.color = color;
  copy.style.fontFamily = fontFamily;
  return new XMLSerializer().serializeToString(copy);
}
