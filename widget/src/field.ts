// A line of text to be typed.

import { el, set } from './dom';

export interface Field {
  readonly input: HTMLInputElement;
  text(): string;
  /** Marks the field as the place of the error in the message, until something is typed. */
  blame(): void;
  forgive(): void;
}

const enum Limit {
  // The instance refuses longer texts.
  longestText = 100,
}

/** Makes a field; enter is called for the Enter key, hint is the id of a text that explains the field. */
export function createField(id: string, enter: () => void, attributes: Record<string, string>, hint = ''): Field {
  const input = el('input', {
    id,
    type: 'text',
    dir: 'auto',
    maxlength: '' + Limit.longestText,
    autocomplete: 'off',
    // Old spellings are to be typed as they stand.
    autocorrect: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    ...attributes,
  });
  input.addEventListener('keydown', (event) => {
    // Enter also ends a composition in an input method; that one is not for us.
    if (event.key !== 'Enter' || event.isComposing) return;
    // Never the page's form: it would be sent without a validated challenge.
    event.preventDefault();
    enter();
  });
  input.addEventListener('input', forgive);
  forgive();

  function forgive(): void {
    input.removeAttribute('aria-invalid');
    set(input, { 'aria-describedby': hint });
  }

  return {
    input,
    text: () => input.value.trim(),
    forgive,
    blame() {
      set(input, { 'aria-invalid': 'true', 'aria-describedby': hint + ' message' });
      input.focus();
    },
  };
}
