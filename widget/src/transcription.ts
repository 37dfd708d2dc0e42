// Transcription: some images, each with the text that the person reads in it.

import { T } from 'ocapi:languages';
import { el, picture, pressed, set, toggle } from './dom';
import { createField } from './field';
import type { Mode, ModeParams } from './mode';

export function transcription({ challenge, base, texts, submit, broken }: ModeParams): Mode {
  const items = challenge.images.map(({ url }, i) => {
    const name = texts[T.image] + ' ' + (i + 1);
    const last = i + 1 === challenge.images.length;
    const field = createField(
      'text-' + i,
      () => {
        const next = items.find((item) => item.input !== input && empty(item));
        if (next && field.text()) next.input.focus();
        else submit();
      },
      { enterkeyhint: last ? 'done' : 'next' },
    );
    const { input } = field;

    const mark = toggle(
      'unreadable',
      (on) => {
        input.disabled = on;
        field.forgive();
      },
      texts[T.unreadable],
    );
    set(mark, { 'aria-describedby': 'label-' + i });

    const element = el(
      'li',
      { class: 'item' },
      // The alternative says what the image is for; what it shows is what the person is asked.
      el('div', { class: 'sheet' }, picture(base + url, name + '. ' + texts[T.read], 440, 128, broken)),
      el('label', { class: 'hide', for: input.id, id: 'label-' + i }, name),
      el('div', { class: 'row' }, input, mark),
    );
    return { ...field, element, unreadable: () => pressed(mark) };
  });

  type Item = (typeof items)[0];
  const empty = (item: Item) => !item.unreadable() && !item.text();

  return {
    title: [texts[T.read]],
    purpose: texts[T.transcription],
    body: el('ul', { class: 'transcription' }, ...items.map((item) => item.element)),
    missing() {
      const item = items.find(empty);
      if (!item) return '';
      item.blame();
      return texts[T.fill];
    },
    answer() {
      const unreadable = items.map((_, i) => i).filter((i) => items[i].unreadable());
      const texts = items.map((item) => (item.unreadable() ? '' : item.text()));
      return unreadable.length ? { texts, unreadable } : { texts };
    },
    touched: () => items.some((item) => item.unreadable() || !!item.text()),
    focus: () => items[0].input.focus(),
  };
}
