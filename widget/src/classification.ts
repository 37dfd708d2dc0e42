// Classification: a grid of images, of which the person selects those that show the keyword.

import { button, el, icon, picture, tick } from './dom';
import type { Mode, ModeParams } from './mode';
import { keywordIn } from './texts';

const columns = 3;

export function classification({ challenge, api, texts, language, broken }: ModeParams): Mode {
  const [keyword, keywordLanguage] = keywordIn(challenge.prompt || {}, language);

  const tiles = challenge.images.map(({ url }, i) => {
    const tile = button(
      'tile',
      () => tile.setAttribute('aria-pressed', '' + !pressed(tile)),
      // The button carries the name; the image adds nothing that could be said in words.
      picture(api.image(url), '', 240, 240, broken),
      el('span', { class: 'badge' }, icon(tick)),
    );
    tile.setAttribute('aria-label', texts.image + ' ' + (i + 1));
    tile.setAttribute('aria-pressed', 'false');
    return tile;
  });

  const grid = el('div', { class: 'classification' }, ...tiles);
  // Tab reaches every tile; the arrows are the short way for those who expect a grid.
  grid.addEventListener('keydown', (event) => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const at = tiles.indexOf(event.target as HTMLButtonElement);
    const next = tiles[at + (steps[event.key] || 0)];
    if (at < 0 || !steps[event.key] || !next) return;
    event.preventDefault();
    next.focus();
  });

  return {
    title: [texts.select + ' ', el('strong', { class: 'keyword', lang: keywordLanguage }, keyword)],
    body: grid,
    missing() {
      if (tiles.some(pressed)) return '';
      tiles[0].focus();
      return texts.pick;
    },
    answer: () => ({ selected: tiles.map((_, i) => i).filter((i) => pressed(tiles[i])) }),
    touched: () => tiles.some(pressed),
    focus: () => tiles[0].focus(),
  };
}

function pressed(tile: HTMLElement): boolean {
  return tile.getAttribute('aria-pressed') === 'true';
}
