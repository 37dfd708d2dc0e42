// Classification: a grid of images, of which the person selects those that show the keyword.

import { T } from 'ocapi:languages';
import { el, picture, pressed, set, toggle } from './dom';
import type { Mode, ModeParams } from './mode';
import { keywordIn } from './texts';

const enum Grid {
  columns = 3,
}

export function classification({ challenge, base, texts, language, broken }: ModeParams): Mode {
  const [keyword, keywordLanguage] = keywordIn(challenge.prompt || {}, language);

  const tiles = challenge.images.map(({ url }, i) => {
    const tile = toggle(
      'tile',
      () => {},
      // The button carries the name; the image adds nothing that could be said in words.
      picture(base + url, '', 240, 240, broken),
      el('span', { class: 'badge' }),
    );
    set(tile, { 'aria-label': texts[T.image] + ' ' + (i + 1) });
    return tile;
  });

  const grid = el('div', { class: 'classification' }, ...tiles);
  // Tab reaches every tile; the arrows are the short way for those who expect a grid.
  grid.addEventListener('keydown', (event) => {
    const right = grid.closest('[dir=rtl]') ? -1 : 1;
    const steps: Record<string, number> = { ArrowLeft: -right, ArrowRight: right, ArrowUp: -Grid.columns, ArrowDown: Grid.columns };
    const at = tiles.indexOf(event.target as HTMLButtonElement);
    const next = tiles[at + (steps[event.key] || 0)];
    if (at < 0 || !steps[event.key] || !next) return;
    event.preventDefault();
    next.focus();
  });

  return {
    title: [texts[T.select] + ' ', el('strong', { class: 'keyword', lang: keywordLanguage }, keyword)],
    purpose: texts[T.classification],
    body: grid,
    missing() {
      if (tiles.some(pressed)) return '';
      tiles[0].focus();
      return texts[T.pick];
    },
    answer: () => ({ selected: tiles.map((_, i) => i).filter((i) => pressed(tiles[i])) }),
    touched: () => tiles.some(pressed),
    focus: () => tiles[0].focus(),
  };
}
