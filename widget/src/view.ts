// The widget's frame: one box in a shadow tree, whose parts are shown by state.

import { again, button, el, icon, tick } from './dom';
import css from './style.css';
import type { Texts } from './texts';

/**
 * - loading: nothing to show yet, or its replacement is on its way
 * - ready: waiting for the person
 * - sending: an answer is being judged
 * - waiting: the instance asked for patience; a new try starts by itself
 * - unavailable: given up until the person asks for a new try
 * - validated: done
 */
export type State = 'loading' | 'ready' | 'sending' | 'waiting' | 'unavailable' | 'validated';

export interface View {
  readonly root: ShadowRoot;
  enter(state: State): void;
  /** Shows a message and has it read out; the empty string takes it away. */
  say(message: string, kind?: 'info' | 'error'): void;
  /** Shows the seconds left of a wait; 0 takes them away. Not read out: a number a second is noise. */
  count(seconds: number): void;
  title(...content: (Node | string)[]): void;
  /** Puts the challenge into the box; without one, the skeleton of one. */
  body(content?: HTMLElement): void;
  foot(...lines: string[]): void;
  /** Puts the focus on the message, for when the thing that had it has gone. */
  focusMessage(): void;
  hasFocus(): boolean;
}

interface ViewParams {
  place: HTMLElement;
  language: string;
  texts: Texts;
  validate(): void;
  another(): void;
  retry(): void;
}

export function createView({ place, language, texts, validate, another, retry }: ViewParams): View {
  const root = attach(place);

  const title = el('p', { class: 'title', id: 'title' });
  // The one live region. It is there from the start, for a region that comes with its text is not read out.
  const message = el('p', { class: 'message', role: 'status', tabindex: '-1' });
  const count = el('span', { class: 'count', 'aria-hidden': 'true' });
  const done = el('span', { class: 'done' }, icon(tick));
  const body = el('div', { class: 'body' });
  const validateButton = button('validate', validate, texts.validate);
  const anotherButton = button('another', another, icon(again), texts.another);
  const retryButton = button('retry', retry, icon(again), texts.retry);
  const actions = el('div', { class: 'actions' }, validateButton, retryButton, anotherButton);
  actions.hidden = true;
  const foot = el('div', { class: 'foot' });
  const box = el(
    'div',
    { class: 'box', role: 'group', 'aria-labelledby': 'title', lang: language, dir: 'ltr' },
    title,
    el('div', { class: 'news' }, done, message, count),
    body,
    actions,
    foot,
  );
  root.append(box);

  return {
    root,
    enter(state) {
      box.dataset.state = place.dataset.ocapiState = state;
      const busy = state === 'loading' || state === 'sending';
      validateButton.textContent = state === 'sending' ? texts.sending : texts.validate;
      for (const b of [validateButton, anotherButton, retryButton]) {
        // Not disabled, which would drop the focus; the widget ignores clicks meanwhile.
        b.setAttribute('aria-disabled', '' + busy);
      }
      body.setAttribute('aria-busy', '' + busy);
      title.hidden = state === 'validated';
      if (state === 'validated') body.textContent = '';
      // While busy, the buttons stay as they are: the one that was pressed keeps the focus.
      if (!busy) {
        actions.hidden = state === 'validated' || state === 'waiting';
        retryButton.hidden = state !== 'unavailable';
        validateButton.hidden = anotherButton.hidden = state !== 'ready';
      }
    },
    say(text, kind = 'info') {
      message.dataset.kind = kind;
      message.textContent = text;
    },
    count(seconds) {
      count.textContent = seconds ? Math.floor(seconds / 60) + ':' + ('0' + (seconds % 60)).slice(-2) : '';
    },
    title(...content) {
      title.textContent = '';
      title.append(...content);
    },
    body(content = skeleton()) {
      body.textContent = '';
      body.append(content);
    },
    foot(...lines) {
      foot.textContent = '';
      foot.append(...lines.filter(Boolean).map((line) => el('p', {}, line)));
    },
    focusMessage: () => message.focus(),
    hasFocus: () => !!root.activeElement,
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
