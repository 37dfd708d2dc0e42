// Entry point: finds the placeholders of the page and puts a widget in each.

import { readSettings } from './settings';
import { mount } from './widget';

// currentScript is only there while the script runs for the first time, and never for a module.
const script = (document.currentScript || document.querySelector('script[src*="/ocapi-"]')) as HTMLScriptElement | null;

function start(): void {
  // One widget a form: two would fight over the same four fields.
  const taken = new Set<Element>();
  for (const place of document.querySelectorAll<HTMLElement>('#ocapi-challenge,#captchan-challenge')) {
    const home = place.closest('form') || place;
    // A shadow root means that another copy of this script was here first.
    if (taken.has(home) || place.shadowRoot) continue;
    taken.add(home);
    mount(place, readSettings(place, script && script.src));
  }
}

if (document.readyState === 'loading') {
  document.addEventListener('DOMContentLoaded', start);
} else {
  start();
}
