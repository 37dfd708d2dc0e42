// Making elements: text goes in as text nodes only, so that no string is ever parsed as markup.

type Attributes = Record<string, string>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children);
  return element;
}

export function set(element: Element, attributes: Attributes): void {
  for (const name of Object.keys(attributes)) element.setAttribute(name, attributes[name]);
}

/** A native button that never submits the page's form. */
export function button(name: string, act: () => void, ...children: (Node | string)[]): HTMLButtonElement {
  const element = el('button', { type: 'button', class: name }, ...children);
  element.addEventListener('click', act);
  return element;
}

/** A button that stays pressed until it is pressed again. */
export function toggle(name: string, changed: (on: boolean) => void, ...children: (Node | string)[]): HTMLButtonElement {
  const turn = (on: boolean) => set(element, { 'aria-pressed': '' + on });
  const element = button(name, () => {
    const on = !pressed(element);
    turn(on);
    changed(on);
  }, ...children);
  turn(false);
  return element;
}

export const pressed = (element: Element) => element.getAttribute('aria-pressed') === 'true';

/** An image of the challenge. Anonymous: no cookie goes along, and pages that isolate themselves may show it. */
export function picture(src: string, alt: string, width: number, height: number, failed: () => void): HTMLImageElement {
  const image = el('img', {
    alt,
    width: '' + width,
    height: '' + height,
    crossorigin: 'anonymous',
    referrerpolicy: 'no-referrer',
    decoding: 'async',
    draggable: 'false',
  });
  image.addEventListener('load', () => image.classList.add('here'));
  image.addEventListener('error', failed);
  image.src = src;
  return image;
}
