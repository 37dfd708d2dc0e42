// The four hidden inputs that carry the challenge's id to the website's server.

import { el } from './dom';

/** Writes the ids into the form, in the current and in the first releases' names. */
export function writeFields(place: HTMLElement, client: string, challenge: string): void {
  const home = place.closest('form') || place;
  for (const brand of ['ocapi', 'captchan']) {
    write(brand + '-challenge-id', challenge);
    write(brand + '-client-id', client);
  }

  function write(name: string, value: string): void {
    // Looked up each time: a page that redraws its form may have thrown the inputs away, and a page that
    // brings its own must not send two.
    let input = home.querySelector<HTMLInputElement>('input[name="' + name + '"]');
    if (!input) {
      input = el('input', { type: 'hidden', name, autocomplete: 'off' });
      // In the light tree, for only there does an input belong to the form.
      place.append(input);
    }
    input.value = value;
  }
}
