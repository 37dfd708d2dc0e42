// The two calls that a browser makes, and what can go wrong with them.

import type { Settings } from './settings';

export interface Challenge {
  challenge_id: string;
  type: string;
  expires_at: string;
  /** Language -> keyword; for classification. */
  prompt?: Record<string, string>;
  images: { url: string }[];
  credit?: string;
}

/** A challenge with what only the browser knows of it. */
export interface Dealt {
  challenge: Challenge;
  /** Milliseconds that are left to answer; NaN when that cannot be told. */
  life: number;
}

export type Answer =
  | { texts: string[]; unreadable?: number[] }
  | { selected: number[] };

export type Verdict =
  | { state: 'validated' }
  | { state: 'expired' }
  | { state: 'refused' }
  | { state: 'rejected'; next?: Dealt; wait?: number };

/** Why a call gave nothing. */
export interface Trouble {
  kind: 'down' | 'busy' | 'setup';
  /** Seconds that the instance asks to wait; 0 when it does not say. */
  wait: number;
}

export const trouble = (kind: Trouble['kind'], wait = 0): Trouble => ({ kind, wait });

export interface Api {
  /** Asks for a challenge. Throws Trouble. */
  create(): Promise<Dealt>;
  /** Posts an answer; posting it twice is safe, the first verdict stands. Throws Trouble. */
  answer(id: string, answer: Answer): Promise<Verdict>;
  /** The address of an image of a challenge. */
  image(path: string): string;
}

// Longer than a cluster needs to choose a new leader (6.5 s), so that this costs nobody an answer.
const timeoutMs = 12e3;
// For a 429 that does not say how long.
const defaultWait = 10;
const longestWait = 3600;

interface Reply {
  status: number;
  /** The instance's clock, or ours where the header is not exposed. */
  now: number;
  wait: number;
  body: any;
}

export function createApi(settings: Settings, lang: string): Api {
  const path = settings.base + '/challenge/' + encodeURIComponent(settings.client);

  async function call(url: string, answer?: Answer): Promise<Reply> {
    if (!settings.client || !settings.base) throw trouble('setup');
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), timeoutMs);
    try {
      const reply = await fetch(url, {
        method: answer ? 'POST' : 'GET',
        // text/plain keeps the request "simple": no preflight, one round trip less.
        headers: answer ? { 'Content-Type': 'text/plain' } : {},
        body: answer && JSON.stringify(answer),
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store',
        signal: stop.signal,
      });
      const body = await reply.json().catch(() => ({}));
      return {
        status: reply.status,
        now: Date.parse(reply.headers.get('Date') || '') || Date.now(),
        wait: seconds(reply.headers.get('Retry-After') || (body && body.retry_after)),
        body: body || {},
      };
    } catch (e) {
      throw trouble('down');
    } finally {
      clearTimeout(timer);
    }
  }

  function failed(reply: Reply): Trouble {
    if (reply.status === 429) return trouble('busy', reply.wait || defaultWait);
    return trouble('down', reply.wait);
  }

  return {
    async create() {
      const query = [];
      if (settings.type) query.push('type=' + encodeURIComponent(settings.type));
      query.push('lang=' + lang);
      const reply = await call(path + '?' + query.join('&'));
      if (reply.status === 404) throw trouble('setup');
      const next = deal(reply.body, reply.now);
      if (reply.status !== 200 || !next) throw failed(reply);
      return next;
    },

    async answer(id, answer) {
      const reply = await call(path + '/' + encodeURIComponent(id), answer);
      const { status, body } = reply;
      // A 409 carries the verdict of the first answer: its response may have been lost on the way.
      if (status === 200 || status === 409) {
        if (body.state === 'validated') return { state: 'validated' };
        if (body.state === 'rejected') {
          return { state: 'rejected', next: deal(body.challenge, reply.now), wait: seconds(body.retry_after) };
        }
        if (status === 409) return { state: 'expired' };
      }
      // An unknown challenge is one that cannot be answered any more, whatever the reason.
      if (status === 410 || status === 404) return { state: 'expired' };
      if (status === 400 || status === 413) return { state: 'refused' };
      throw failed(reply);
    },

    image: (url) => settings.base + url,
  };
}

function deal(challenge: any, now: number): Dealt | undefined {
  if (!challenge || !challenge.challenge_id || !Array.isArray(challenge.images)) return;
  return { challenge, life: Date.parse(challenge.expires_at) - now };
}

// Retry-After is a number of seconds or a date.
function seconds(value: unknown): number {
  const text = String(value || '');
  const n = +text || (Date.parse(text) - Date.now()) / 1e3;
  return n > 0 ? Math.min(Math.ceil(n), longestWait) : 0;
}
