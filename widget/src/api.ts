// The calls that a browser makes, and what can go wrong with them.

import type { Settings } from './settings';
import { canWork, work } from './work';

export interface Challenge {
  challenge_id: string;
  type: string;
  expires_at: string;
  /** Language -> keyword; for classification. */
  prompt?: Record<string, string>;
  images: { url: string }[];
  /** The sound, and the language that is spoken in it; for audio. */
  audio?: { url: string };
  lang?: string;
  credit?: string;
}

/** A challenge with what only the browser knows of it. */
export interface Dealt {
  challenge: Challenge;
  /** The instance that made it, which is the one to answer. */
  base: string;
  /** Milliseconds that are left to answer; NaN when that cannot be told. */
  life: number;
}

export type Answer =
  | { texts: string[]; unreadable?: number[] }
  | { selected: number[] }
  | { text: string };

export interface Verdict {
  state: 'validated' | 'rejected' | 'expired' | 'refused';
  /** With a rejection, the next challenge, or the seconds to wait before asking for it. */
  next?: Dealt;
  wait?: number;
}

/** Why a call gave nothing. */
export interface Trouble {
  kind: 'down' | 'busy' | 'setup';
  /** Seconds that the instance asks to wait; 0 when it does not say. */
  wait: number;
}

export const trouble = (kind: Trouble['kind'], wait = 0): Trouble => ({ kind, wait });

export interface Wanted {
  type: string;
  language: string;
  /** Called when the instance asks for a proof of work. */
  working(): void;
  /** Whether the challenge is of no more use. */
  stopped(): boolean;
}

export interface Api {
  /** Asks for a challenge, of each instance until one has one. Throws Trouble. */
  create(wanted: Wanted): Promise<Dealt>;
  /** Posts an answer; posting it twice is safe, the first verdict stands. Throws Trouble. */
  answer(dealt: Dealt, answer: Answer): Promise<Verdict>;
}

const enum Limit {
  // Longer than a cluster needs to choose a new leader (6.5 s), so that this costs nobody an answer.
  timeoutMs = 12e3,
  // For a 429 that does not say how long; in seconds, like what it says.
  usualWait = 10,
  longestWait = 3600,
}

interface Reply {
  status: number;
  /** The instance's clock, or ours where the header is not exposed. */
  now: number;
  wait: number;
  body: any;
}

/** Makes a call that carries nothing about the person: no cookie, no referrer. Throws Trouble. */
export async function send(url: string, init: RequestInit): Promise<Reply> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), Limit.timeoutMs);
  try {
    const reply = await fetch(url, {
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
      signal: stop.signal,
      ...init,
    });
    const body = await reply.json().catch(() => 0) || {};
    return {
      status: reply.status,
      now: Date.parse(reply.headers.get('Date') || '') || Date.now(),
      // Seconds; a date, which an instance never sends, counts as nothing said.
      wait: Math.min(+(reply.headers.get('Retry-After') || body.retry_after) || 0, Limit.longestWait),
      body,
    };
  } catch (e) {
    throw trouble('down');
  } finally {
    clearTimeout(timer);
  }
}

export function createApi({ client, bases }: Settings): Api {
  const path = '/challenge/' + encodeURIComponent(client);

  async function createAt(base: string, { type, language, working, stopped }: Wanted): Promise<Dealt> {
    const url =
      base + path + '?lang=' + language + (type && '&type=' + encodeURIComponent(type)) + (canWork ? '&pow=1' : '');
    let reply = await send(url, {});
    if (reply.status === 429 && reply.body.pow) {
      working();
      // Whatever goes wrong with the work, there is still the waiting.
      const solution = await work(reply.body.pow, stopped).catch(() => '');
      if (solution && !stopped()) reply = await send(url + '&pow_solution=' + encodeURIComponent(solution), {});
    }
    const dealt = deal(base, reply.body, reply.now);
    if (reply.status === 200 && dealt) return dealt;
    throw reply.status === 404 ? trouble('setup') : failed(reply);
  }

  return {
    async create(wanted) {
      let failure: unknown;
      for (const _ of bases) {
        try {
          return await createAt(bases[0], wanted);
        } catch (e) {
          failure = failure || e;
          // An instance that limits is up: another one is no way around it.
          if ((e as Trouble).kind === 'busy') break;
          // The one that answers stays in front: nobody waits twice for one that is down.
          bases.push(bases.shift()!);
        }
      }
      throw failure || trouble('setup');
    },

    async answer({ base, challenge }, answer) {
      const reply = await send(base + path + '/' + encodeURIComponent(challenge.challenge_id), {
        method: 'POST',
        // text/plain keeps the request "simple": no preflight, one round trip less.
        headers: { 'Content-Type': 'text/plain' },
        body: JSON.stringify(answer),
      });
      const { status, body, wait } = reply;
      // A 409 carries the verdict of the first answer: its response may have been lost on the way.
      if ((status === 200 || status === 409) && /^(validated|rejected)$/.test(body.state)) {
        return { state: body.state, next: deal(base, body.challenge, reply.now), wait };
      }
      // An unknown challenge is one that cannot be answered any more, whatever the reason.
      if (status === 404 || status === 409 || status === 410) return { state: 'expired' };
      if (status === 400 || status === 413) return { state: 'refused' };
      throw failed(reply);
    },
  };
}

function failed({ status, wait }: Reply): Trouble {
  return status === 429 ? trouble('busy', wait || Limit.usualWait) : trouble('down', wait);
}

function deal(base: string, challenge: any, now: number): Dealt | undefined {
  if (challenge && challenge.challenge_id && challenge.images) {
    return { challenge, base, life: Date.parse(challenge.expires_at) - now };
  }
}

