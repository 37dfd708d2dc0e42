// The life of one widget: get a challenge, have it answered, tell the page.

import { createApi, trouble } from './api';
import type { Challenge, Dealt, Trouble } from './api';
import { classification } from './classification';
import { writeFields } from './fields';
import type { Mode, ModeParams } from './mode';
import type { Settings } from './settings';
import { chooseLanguage, textsIn } from './texts';
import { transcription } from './transcription';
import { createView } from './view';
import type { State } from './view';

const modes: Record<string, (params: ModeParams) => Mode> = { transcription, classification };

// Tries that the widget makes by itself before it leaves the next one to the person.
const triesAlone = 3;
const firstPauseMs = 2e3;
// An untouched challenge is renewed a little early, so that nobody begins on one that is about to end.
const marginMs = 1e4;
// How long a challenge lives by default: assumed where the clocks disagree so much that nothing can be told.
const usualLifeMs = 20 * 60e3;
// A longer timer would fire at once.
const longestTimerMs = 2 ** 31 - 1;

export function mount(place: HTMLElement, settings: Settings): void {
  const language = chooseLanguage(place);
  const texts = textsIn(language);
  const api = createApi(settings, language);

  let state: State = 'loading';
  let challenge: Challenge | undefined;
  let mode: Mode | undefined;
  // What the retry button does.
  let retry: () => void = load;
  let tries = 0;
  // Each call has a turn; an answer to an earlier turn comes too late and is dropped.
  let turn = 0;
  let pause = 0;
  let life = 0;
  // The person was in the widget when its contents had to go.
  let owedFocus = false;

  const view = createView({
    place,
    language,
    texts,
    validate: () => submit(),
    another: () => state === 'ready' && load('', true),
    retry() {
      if (state !== 'unavailable') return;
      tries = 0;
      retry();
    },
  });

  writeFields(place, settings.client, '');
  view.title(texts.loading);
  view.body();
  load();

  function enter(next: State): void {
    owedFocus = owedFocus || view.hasFocus();
    view.enter((state = next));
  }

  function begin(next: State): number {
    clearInterval(pause);
    view.count(0);
    enter(next);
    return ++turn;
  }

  /** Gets a challenge and shows it with a note. With keep, a failure leaves the present one as it is. */
  async function load(note = '', keep = false): Promise<void> {
    const mine = begin('loading');
    try {
      const dealt = await api.create();
      if (mine === turn) show(dealt, note);
    } catch (e) {
      if (mine !== turn) return;
      if (keep) {
        enter('ready');
        view.say(texts.noOther, 'error');
      } else {
        drop();
        fail(e, () => load(note));
      }
    }
  }

  /** Posts the answer. While the instance has asked to wait, only the widget itself may do so, when the wait is over. */
  async function submit(waited = false): Promise<void> {
    if (!mode || !challenge || state === 'sending' || state === 'loading' || (state === 'waiting' && !waited)) return;
    const missing = mode.missing();
    if (missing) {
      // Also after a pause in which an answer was taken back.
      begin('ready');
      view.say(missing, 'error');
      return;
    }
    const mine = begin('sending');
    view.say('');
    try {
      const verdict = await api.answer(challenge.challenge_id, mode.answer());
      if (mine !== turn) return;
      tries = 0;
      if (verdict.state === 'validated') {
        succeed(challenge.challenge_id);
      } else if (verdict.state === 'expired') {
        load(texts.expired);
      } else if (verdict.state === 'refused') {
        enter('ready');
        view.say(texts.refused, 'error');
      } else if (verdict.next) {
        show(verdict.next, texts.rejected);
      } else if (verdict.wait) {
        drop();
        view.say(texts.rejectedOnly + ' ' + texts.busy, 'error');
        wait(verdict.wait, () => load(texts.rejected));
      } else {
        load(texts.rejected);
      }
    } catch (e) {
      // The answer may have arrived all the same; posting it again gets the first verdict.
      if (mine === turn) fail(e, () => submit(true));
    }
  }

  function show({ challenge: dealt, life: left }: Dealt, note: string): void {
    const build = modes[dealt.type];
    if (!build) return fail(trouble('setup'), load);
    challenge = dealt;
    tries = 0;
    const mine = turn;
    mode = build({
      challenge,
      api,
      texts,
      language,
      submit: () => submit(),
      broken() {
        if (mine !== turn || state !== 'ready') return;
        drop();
        fail(trouble('down'), load);
      },
    });
    enter('ready');
    view.title(...mode.title);
    view.body(mode.body);
    view.foot(texts[dealt.type as 'transcription' | 'classification'], dealt.credit || '');
    view.say(note, note === texts.rejected ? 'error' : 'info');
    writeFields(place, settings.client, challenge.challenge_id);
    // Only give back what was taken: a person who has gone on to another field stays there.
    if (owedFocus && (document.activeElement === document.body || view.hasFocus())) mode.focus();
    owedFocus = false;
    plan(left);
  }

  function succeed(id: string): void {
    const focus = view.hasFocus();
    clearTimeout(life);
    mode = challenge = undefined;
    enter('validated');
    view.say(texts.validated);
    if (focus) view.focusMessage();
    document.dispatchEvent(new CustomEvent('ocapi-challenge-validated', { detail: { challenge_id: id } }));
  }

  /** Takes the challenge away, which can no longer be answered. */
  function drop(): void {
    enter(state);
    clearTimeout(life);
    mode = challenge = undefined;
    view.title(texts.name);
    view.body();
    view.foot();
  }

  function fail(e: unknown, action: () => void): void {
    let { kind, wait: seconds } = e as Trouble;
    if (!kind) {
      // A mistake of ours, or a response that nobody foresaw.
      console.error(e);
      kind = 'down';
    }
    if (kind === 'setup') console.error('ocapi: unknown client or base URL', settings);
    view.say(texts[kind], 'error');
    const alone = ++tries < triesAlone && kind !== 'setup';
    if (seconds) {
      wait(seconds, alone ? action : () => {
        view.say(texts.down, 'error');
        giveUp(action);
      });
      return;
    }
    giveUp(action);
    if (alone) pause = window.setTimeout(attempt, firstPauseMs * 3 ** (tries - 1), action);
  }

  function wait(seconds: number, action: () => void): void {
    enter('waiting');
    const end = Date.now() + seconds * 1e3;
    view.count(seconds);
    pause = window.setInterval(() => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1e3));
      view.count(left);
      if (left) return;
      clearInterval(pause);
      attempt(action);
    }, 250);
  }

  function giveUp(action: () => void): void {
    retry = action;
    enter('unavailable');
  }

  // Timers outlive the page's interest: a removed widget asks for nothing any more.
  function attempt(action: () => void): void {
    if (place.isConnected) action();
  }

  function plan(left: number): void {
    clearTimeout(life);
    left = left > 0 ? Math.min(left, longestTimerMs) : usualLifeMs;
    const margin = Math.min(marginMs, left / 5);
    life = window.setTimeout(() => {
      if (mode && mode.touched()) life = window.setTimeout(renew, margin);
      else renew();
    }, left - margin);
  }

  function renew(): void {
    if (document.hidden) {
      // Nobody is looking: a page left open must not use up a challenge every 20 minutes.
      document.addEventListener('visibilitychange', () => attempt(renew), { once: true });
    } else if (state === 'ready' && mode) {
      attempt(() => load(mode!.touched() ? texts.expired : ''));
    }
  }
}
