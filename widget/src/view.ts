// The widget's frame: one box in a shadow tree, whose parts are shown by state.

import { T } from 'ocapi:languages';
import { button, el, set } from './dom';
import type { Mode } from './mode';
import css from './style.css';
import { isRightToLeft } from './texts';
import type { Texts } from './texts';

/**
 * - loading: nothing to show yet, or its replacement is on its way
 * - ready: waiting for the person
 * - sending: an answer is being judged
 * - waiting: the instance asked for patience; a new try starts by itself
 * - unavailable: given up until the person asks for a new try
 * - validated: done
 * - finished: the game is over
 */
export type State = 'loading' | 'ready' | 'sending' | 'waiting' | 'unavailable' | 'validated' | 'finished';

export interface View {
  /** Puts the frame into a language. Until then it has no words. */
  speak(texts: Texts, language: string): void;
  paint(state: State): void;
  /** Shows a message and has it read out, with more that is read out only; the empty string takes it away. */
  say(message: string, kind?: 'info' | 'error', more?: string): void;
  /** Shows the seconds left of a wait; 0 takes them away. Not read out: a number a second is noise. */
  count(seconds: number): void;
  /** Puts a challenge into the box, with lines below it; without one, the skeleton of one and a title. */
  display(title: (Node | string)[], mode?: Mode, ...lines: string[]): void;
  hasFocus(): boolean;
}

interface ViewParams {
  place: HTMLElement;
  validate(): void;
  another(): void;
  /** Asks for a sound instead of images, or the other way round. */
  other(): void;
  retry(): void;
}

export function createView({ place, validate, another, other, retry }: ViewParams): View {
  const root = attach(place);
  let texts: Texts | undefined;

  const title = el('p', { class: 'title', id: 'title' });
  // The one live region. It is there from the start, for a region that comes with its text is not read out.
  const message = el('p', { class: 'message', id: 'message', role: 'status', tabindex: '-1' });
  const count = el('span', { class: 'count', 'aria-hidden': 'true' });
  const done = el('span', { class: 'done' });
  const body = el('div', { class: 'body' });
  const validateButton = button('validate', validate);
  const anotherButton = button('another', another);
  const otherButton = button('other', other);
  const retryButton = button('retry', retry);
  const buttons = [validateButton, retryButton, anotherButton, otherButton];
  // Out of sight until there is something to do, but not left out: so the letters of the first challenge are found and
  // measured while it is on its way, and not when it is there and a person waits for the first frame.
  const actions = el('div', { class: 'actions hide' }, ...buttons);
  const foot = el('div', { class: 'foot' });
  const box = el(
    'div',
    { class: 'box', role: 'group', 'aria-labelledby': 'title' },
    title,
    el('div', { class: 'news' }, done, message, count),
    body,
    actions,
    foot,
  );
  root.append(box);

  const hasFocus = () => !!root.activeElement;

  /** Changes something. Whoever had the focus on what goes away finds it on the message, not at the page's start. */
  function keep(change: () => void): void {
    const had = hasFocus();
    change();
    const now = root.activeElement;
    if (had && !(now && now.getClientRects().length)) message.focus();
  }

  return {
    speak(words, language) {
      texts = words;
      set(box, { lang: language, dir: isRightToLeft(language) ? 'rtl' : 'ltr' });
      anotherButton.textContent = texts[T.another];
      validateButton.textContent = texts[T.validate];
    },
    paint: (state) => keep(() => {
      box.dataset.state = place.dataset.ocapiState = state;
      const busy = state === 'loading' || state === 'sending';
      const over = state === 'validated' || state === 'finished';
      // Not disabled, which would drop the focus; the widget ignores clicks meanwhile.
      for (const b of buttons) set(b, { 'aria-disabled': '' + busy });
      set(body, { 'aria-busy': '' + busy });
      title.hidden = over;
      if (over) {
        body.textContent = '';
        // Not shown any more, but still the name of the box.
        title.textContent = texts![T.name];
      }
      if (texts) {
        validateButton.textContent = texts[state === 'sending' ? T.sending : T.validate];
        retryButton.textContent = texts[state === 'finished' ? T.playAgain : T.retry];
      }
      // While busy, the buttons stay as they are: the one that was pressed keeps the focus.
      if (!busy) {
        actions.className = 'actions';
        actions.hidden = state === 'validated' || state === 'waiting';
        retryButton.hidden = state !== 'unavailable' && state !== 'finished';
        validateButton.hidden = anotherButton.hidden = otherButton.hidden = state !== 'ready';
      }
    }),
    say(text, kind = 'info', more) {
      message.dataset.kind = kind;
      message.textContent = text;
      if (text && more) message.append(el('span', { class: 'hide' }, ' ' + more));
    },
    count(seconds) {
      count.textContent = seconds ? Math.floor(seconds / 60) + ':' + ('0' + (seconds % 60)).slice(-2) : '';
    },
    display: (words, mode, ...lines) => keep(() => {
      title.textContent = body.textContent = foot.textContent = '';
      title.append(...words);
      body.append(mode ? mode.body : skeleton());
      foot.append(...lines.filter(Boolean).map((line) => el('p', {}, line)));
      if (texts) otherButton.textContent = texts[mode && mode.play ? T.look : T.listen];
    }),
    hasFocus,
  };

  function skeleton(): HTMLElement {
    return el('div', { class: 'skeleton', 'aria-hidden': 'true' }, el('div'), el('div'));
  }
}

// An open root: a closed one keeps nobody out who can run script on the page, and shuts out test tools,
// accessibility checkers and password managers, which then cannot tell that the inputs here are not theirs.
function attach(place: HTMLElement): ShadowRoot {
  let root: ShadowRoot;
  try {
    root = place.attachShadow({ mode: 'open' });
  } catch (e) {
    // Not every element takes a shadow tree (a fieldset or a list item does not).
    const host = el('div');
    place.append(host);
    root = host.attachShadow({ mode: 'open' });
  }
  // The only way to style that a strict content security policy lets pass without a nonce. A browser
  // that is too old for it shows the native controls, which work.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
  } catch (e) {}
  return root;
}
