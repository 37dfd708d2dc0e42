// Transcription: some images, each with the text that the person reads in it.

import { button, el, picture, set } from './dom';
import type { Mode, ModeParams } from './mode';

// The instance refuses longer texts.
const longestText = 100;

export function transcription({ challenge, api, texts, submit, broken }: ModeParams): Mode {
  const items = challenge.images.map(({ url }, i) => {
    const name = texts.image + ' ' + (i + 1);
    const input = el('input', {
      id: 'text-' + i,
      type: 'text',
      dir: 'auto',
      maxlength: '' + longestText,
      autocomplete: 'off',
      // Old spellings are to be typed as they stand.
      autocorrect: 'off',
      autocapitalize: 'none',
      spellcheck: 'false',
      enterkeyhint: i + 1 < challenge.images.length ? 'next' : 'done',
    });
    input.addEventListener('keydown', (event) => {
      // Enter also ends a composition in an input method; that one is not for us.
      if (event.key !== 'Enter' || event.isComposing) return;
      // Never the page's form: it would be sent without a validated challenge.
      event.preventDefault();
      const next = items.find((item) => item.input !== input && empty(item));
      if (next && input.value.trim()) next.input.focus();
      else submit();
    });
    input.addEventListener('input', () => input.removeAttribute('aria-invalid'));

    const toggle = button('unreadable', () => mark(!unreadable()), texts.unreadable);
    set(toggle, { 'aria-describedby': 'label-' + i });
    const unreadable = () => toggle.getAttribute('aria-pressed') === 'true';
    function mark(on: boolean): void {
      toggle.setAttribute('aria-pressed', '' + on);
      input.disabled = on;
      input.removeAttribute('aria-invalid');
    }
    mark(false);

    const element = el(
      'li',
      { class: 'item' },
      el('div', { class: 'sheet' }, picture(api.image(url), name, 440, 128, broken)),
      el('label', { for: input.id, id: 'label-' + i }, name),
      el('div', { class: 'row' }, input, toggle),
    );
    return { element, input, unreadable, text: () => input.value.trim() };
  });

  type Item = (typeof items)[0];
  const empty = (item: Item) => !item.unreadable() && !item.text();

  return {
    title: [texts.read],
    body: el('ul', { class: 'transcription' }, ...items.map((item) => item.element)),
    missing() {
      const item = items.find(empty);
      if (!item) return '';
      item.input.setAttribute('aria-invalid', 'true');
      item.input.focus();
      return texts.fill;
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
