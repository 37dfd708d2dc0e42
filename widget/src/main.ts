// Entry point: finds the placeholders of the page, now and later, and puts a widget in each.
//
// What a page gets to know, as events on the placeholder that bubble up to document. Their detail has
// challenge_id and client_id, and what stands below.
//
//   ocapi-challenge-ready        a challenge can be answered; type
//   ocapi-challenge-answered     an answer was judged; state: "validated" or "rejected"
//   ocapi-challenge-validated    it was right: the form may be sent; once for each such challenge
//   ocapi-challenge-rejected     it was wrong: another challenge follows
//   ocapi-challenge-expired      the challenge was not answered in time: another one follows
//   ocapi-challenge-unavailable  there is none; reason: "down", "busy" (a try follows by itself) or "setup"
//
// What a page may call, each with a placeholder or its form, or without for all of the page:
//
//   OcapiChallenge.reset(place?)        forgets what was validated and gets a new challenge
//   OcapiChallenge.getResponse(place?)  id of the challenge that was validated last, or the empty string

import { readSettings } from './settings';
import { mount } from './widget';
import type { Widget } from './widget';

declare global {
  interface Window {
    OcapiChallenge?: {
      reset(place?: Element): void;
      getResponse(place?: Element): string;
    };
  }
}

// currentScript is only there while the script runs for the first time, and never for a module.
const script = (document.currentScript || document.querySelector('script[src*="/ocapi-"]')) as HTMLScriptElement | null;
// The page changes often and in many small steps; this gathers them.
const enum Limit {
  pauseMs = 30,
}

const known = new WeakMap<Element, Widget>();
const live = new Map<HTMLElement, Widget>();

const home = (place: Element) => place.closest('form') || place;

function scan(): void {
  for (const [place, widget] of live) {
    if (place.isConnected) continue;
    widget.stop();
    live.delete(place);
  }
  // One widget a form: two would fight over the same four fields.
  const taken = new Set([...live.keys()].map(home));
  for (const place of document.querySelectorAll<HTMLElement>('#ocapi-challenge,#captchan-challenge')) {
    if (taken.has(home(place))) continue;
    taken.add(home(place));
    let widget = known.get(place);
    if (!widget) {
      // A shadow root means that an earlier release of this script was here first.
      if ([place, ...place.children].some((element) => element.shadowRoot)) continue;
      known.set(place, (widget = mount(place, readSettings(place, script && script.src))));
    }
    live.set(place, widget);
    widget.start();
  }
}

function begin(): void {
  scan();
  let due = 0;
  new MutationObserver(() => {
    due = due || setTimeout(() => {
      due = 0;
      scan();
    }, Limit.pauseMs);
  }).observe(document, { childList: true, subtree: true });
}

function of(place?: Element): Widget[] {
  return [...live].filter(([at]) => !place || at === place || home(at) === place).map(([, widget]) => widget);
}

// The script twice in one page is there once. An element with this id has no such method.
if (!window.OcapiChallenge || !window.OcapiChallenge.getResponse) {
  window.OcapiChallenge = {
    reset: (place) => of(place).forEach((widget) => widget.reset()),
    getResponse: (place) => of(place).map((widget) => widget.response()).find(Boolean) || '',
  };
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin);
  else begin();
}
