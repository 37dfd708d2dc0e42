// The life of one widget: get a challenge, have it answered, tell the page.

import { T } from 'ocapi:languages';
import { createApi, trouble } from './api';
import type { Dealt, Trouble, Verdict } from './api';
import { audio } from './audio';
import { classification } from './classification';
import { el } from './dom';
import { writeFields } from './fields';
import type { Mode, ModeParams } from './mode';
import type { Settings } from './settings';
import { chooseLanguage, fill, textsIn } from './texts';
import type { Texts } from './texts';
import { transcription } from './transcription';
import { createView } from './view';
import type { State } from './view';
import { canWork } from './work';

export interface Widget {
  /** The placeholder is in the page, for the first time or again. */
  start(): void;
  /** The placeholder has left the page: nothing goes on. */
  stop(): void;
  /** Forgets the last validated challenge and gets a new one, if it ever had one. */
  reset(): void;
  /** The id of the last validated challenge, or the empty string. */
  response(): string;
}

const modes: Record<string, (params: ModeParams) => Mode> = { transcription, classification, audio };

// Constants are enumerations, because the compiler puts their values where they are used.
const enum Limit {
  // Tries that the widget makes by itself before it leaves the next one to the person.
  triesAlone = 3,
  firstPauseMs = 2e3,
  // An untouched challenge is renewed a little early, so that nobody begins on one that is about to end.
  marginMs = 1e4,
  // How long a challenge lives by default: assumed where the clocks disagree so much that nothing can be told.
  usualLifeMs = 20 * 60e3,
  // A longer timer would fire at once.
  longestTimerMs = 2 ** 31 - 1,
  // How far from the window's edge a challenge is fetched: a moment before it is seen.
  nearbyPx = 400,
}

export function mount(place: HTMLElement, settings: Settings): Widget {
  const { create, answer } = createApi(settings);
  const { client, rounds } = settings;
  const chosen = chooseLanguage(place);
  let texts: Texts;
  // The language of the texts: another than the chosen one where that could not be had.
  let language = '';
  // Settled when there are texts; not asked for before the widget is near.
  let spoken: Promise<void> | undefined;

  let state: State = 'loading';
  let dealt: Dealt | undefined;
  let mode: Mode | undefined;
  // What is asked for; a person who chose to listen is given sounds until they choose otherwise.
  let type = settings.type;
  let response = '';
  // The game.
  let round = 1;
  let score = 0;
  // The verdict of the answer before, to be said again with what has come in between.
  let lead = '';
  // What the retry button does.
  let retry: () => void = load;
  let tries = 0;
  // Each call has a turn; an answer to an earlier turn comes too late and is dropped.
  let turn = 0;
  let pause = 0;
  let life = 0;
  // When the challenge ends, by our clock, and how long before that an untouched one is renewed.
  let end = 0;
  let margin = 0;
  // Ends the listeners of the time between start and stop.
  let session: AbortController | undefined;

  const { speak, paint, say, count, display, hasFocus } = createView({
    place,
    validate: () => submit(),
    another: () => state === 'ready' && load('', true),
    other: () => state === 'ready' && load('', true, mode!.play ? settings.type.replace('audio', '') : 'audio'),
    retry() {
      if (state !== 'unavailable' && state !== 'finished') return;
      tries = 0;
      retry();
    },
  });
  writeFields(place, client, '');
  enter('loading');
  display([]);

  function start(): void {
    session = new AbortController();
    const { signal } = session;
    const form = place.closest('form');
    if (form) {
      form.addEventListener('reset', (event) => setTimeout(() => event.defaultPrevented || reset()), { signal });
    }
    for (const type of ['visibilitychange', 'pageshow']) addEventListener(type, check, { signal });
    if (spoken) {
      // Back in the page: what was under way is begun again.
      if (state === 'validated' || state === 'finished') return;
      if (!mode) return void load();
      enter('ready');
      return check();
    }
    // A page that nobody scrolls down, or whose form nobody touches, costs no challenge.
    if (form) for (const type of ['focusin', 'input', 'pointerdown']) form.addEventListener(type, wake, { signal });
    if (!window.IntersectionObserver) return wake();
    const observer = new IntersectionObserver((seen) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      wake();
    }, { rootMargin: Limit.nearbyPx + 'px' });
    observer.observe(place);
    signal.addEventListener('abort', () => observer.disconnect());
  }

  function wake(): void {
    if (!spoken) load();
  }

  function find(): void {
    spoken = textsIn(chosen, settings.bases).then(([words, tongue]) => {
      texts = words;
      speak(texts, (language = tongue));
      if (state === 'loading' && !mode) display([texts[T.loading]]);
    });
  }

  function stop(): void {
    session!.abort();
    clearTimeout(life);
    clearInterval(pause);
    turn++;
  }

  function reset(): void {
    if (!spoken) return;
    response = '';
    writeFields(place, client, '');
    restart();
  }

  function restart(): void {
    round = 1;
    score = 0;
    lead = '';
    const mine = begin('loading');
    spoken!.then(() => {
      if (mine !== turn) return;
      drop();
      say('');
      load();
    });
  }

  function enter(next: State): void {
    paint((state = next));
  }

  function begin(next: State): number {
    clearInterval(pause);
    count(0);
    enter(next);
    return ++turn;
  }

  function tell(name: string, id: string, more?: object): void {
    place.dispatchEvent(
      new CustomEvent('ocapi-challenge-' + name, {
        bubbles: true,
        composed: true,
        detail: { challenge_id: id, client_id: client, ...more },
      }),
    );
  }

  /** Gets a challenge and shows it with a note. With keep, a failure leaves the present one as it is. */
  async function load(note = '', keep = false, wanted = type): Promise<void> {
    const mine = begin('loading');
    // Also when the instance was down the last time.
    if (language !== chosen) find();
    const stopped = () => mine !== turn;
    const play = wanted !== type;
    try {
      const next = await create({
        type: wanted,
        language: chosen,
        stopped,
        working: () => spoken!.then(() => stopped() || say(lead + texts[T.working])),
      });
      await spoken;
      if (stopped()) return;
      type = wanted;
      show(next, note, play);
    } catch (e) {
      await spoken;
      if (stopped()) return;
      if (keep) {
        enter('ready');
        say(texts[T.noOther], 'error');
        check();
      } else {
        drop();
        fail(e, () => load(note));
      }
    }
  }

  /** Posts the answer. While the instance has asked to wait, only the widget itself may do so, when the wait is over. */
  async function submit(waited = false): Promise<void> {
    if (!mode || !dealt || state === 'sending' || state === 'loading' || (state === 'waiting' && !waited)) return;
    const missing = mode.missing();
    if (missing) {
      // Also after a pause in which an answer was taken back.
      begin('ready');
      say(missing, 'error');
      return;
    }
    const mine = begin('sending');
    say('');
    try {
      const verdict = await answer(dealt, mode.answer());
      if (mine !== turn) return;
      tries = 0;
      if (verdict.state === 'expired') {
        tell('expired', id());
        load(texts[T.expired]);
      } else if (verdict.state === 'refused') {
        enter('ready');
        say(texts[T.refused], 'error');
      } else {
        judged(verdict);
      }
    } catch (e) {
      // The answer may have arrived all the same; posting it again gets the first verdict.
      if (mine === turn) fail(e, () => submit(true));
    }
  }

  function judged({ state, next, wait: seconds }: Verdict): void {
    const right = state === 'validated';
    const answered = id();
    const mine = turn;
    if (right) {
      score++;
      response = answered;
      // Where the page has put other fields in the meantime.
      writeFields(place, client, answered);
    }
    const over = rounds ? round++ >= rounds : right;
    if (over) {
      clearTimeout(life);
      mode = dealt = undefined;
      enter(rounds ? 'finished' : 'validated');
      say(rounds ? fill(texts[T.score], score, rounds) + '\n' + texts[T.thanks] : texts[T.validated]);
      retry = restart;
    }
    tell('answered', answered, { state });
    tell(state, answered);
    // A listener may have asked for a reset.
    if (over || mine !== turn) return;
    const note = right ? texts[T.validated] : texts[T.rejected];
    if (next) return show(next, note);
    lead = (right ? texts[T.validated] : texts[T.rejectedOnly]) + ' ';
    if (!seconds || canWork) return void load(note);
    drop();
    say(lead + texts[T.busy], 'error');
    wait(seconds, () => load(note));
  }

  function show(next: Dealt, note = '', play = false): void {
    const { challenge, base } = next;
    const build = modes[challenge.type];
    if (!build) return fail(trouble('setup'), load);
    const focus = hasFocus();
    dealt = next;
    tries = 0;
    lead = '';
    const shown: Mode = (mode = build({
      challenge,
      base,
      texts,
      language,
      submit: () => submit(),
      broken() {
        if (mode !== shown || state !== 'ready') return;
        drop();
        fail(trouble('down'), load);
      },
    }));
    enter('ready');
    const progress = rounds ? fill(texts[T.round], round, rounds) : '';
    display(
      [...(progress ? [el('span', { class: 'round' }, progress)] : []), ...mode.title],
      mode,
      mode.purpose,
      challenge.credit || '',
    );
    say(note, note === texts[T.rejected] ? 'error' : 'info', progress);
    // The game goes on, but the form is sent with a challenge that counts.
    if (!rounds || !response) writeFields(place, client, id());
    // Only give back what was taken: a person who has gone on to another field stays there.
    if (focus) mode.focus();
    if (play && mode.play) mode.play();
    const left = next.life > 0 ? Math.min(next.life, Limit.longestTimerMs) : Limit.usualLifeMs;
    end = Date.now() + left;
    margin = Math.min(Limit.marginMs, left / 5);
    check();
    tell('ready', id(), { type: challenge.type });
  }

  function id(): string {
    return dealt ? dealt.challenge.challenge_id : '';
  }

  /** Takes the challenge away, which can no longer be answered. */
  function drop(): void {
    clearTimeout(life);
    mode = dealt = undefined;
    display([texts[T.name]]);
  }

  function fail(e: unknown, action: () => void): void {
    let { kind, wait: seconds } = e as Trouble;
    if (!kind) {
      // A mistake of ours, or a response that nobody foresaw.
      console.error(e);
      kind = 'down';
    }
    if (kind === 'setup') console.error('ocapi: unknown client or base URL', settings);
    say(lead + texts[{ down: T.down, busy: T.busy, setup: T.setup }[kind]], 'error');
    const alone = ++tries < Limit.triesAlone && kind !== 'setup';
    if (seconds) {
      wait(seconds, alone ? action : () => {
        say(texts[T.down], 'error');
        giveUp(action);
      });
    } else {
      giveUp(action);
      // Not all at the same moment: an instance that comes back is not to be knocked over.
      if (alone) pause = setTimeout(action, Limit.firstPauseMs * 3 ** (tries - 1) * (0.75 + Math.random() / 2));
    }
    tell('unavailable', id(), { reason: kind });
  }

  function wait(seconds: number, action: () => void): void {
    enter('waiting');
    const end = Date.now() + (seconds + Math.random()) * 1e3;
    count(seconds);
    pause = setInterval(() => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1e3));
      count(left);
      if (left) return;
      clearInterval(pause);
      action();
    }, 250);
  }

  function giveUp(action: () => void): void {
    retry = action;
    enter('unavailable');
  }

  /** Renews the challenge on show when its time has come; otherwise comes back then. */
  function check(): void {
    clearTimeout(life);
    if (state !== 'ready' || !mode) return;
    const touched = mode.touched();
    const left = end - Date.now() - (touched ? 0 : margin);
    if (left > 0) {
      life = setTimeout(check, left);
    } else if (!document.hidden) {
      // Where nobody is looking, it waits: a page left open must not use up a challenge every 20 minutes.
      tell('expired', id());
      load(touched ? texts[T.expired] : '');
    }
  }

  return { start, stop, reset, response: () => response };
}
