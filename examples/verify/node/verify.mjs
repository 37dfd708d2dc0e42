// Asks Ocapi how a challenge ended, from a website's server. Take this file as it is; it needs Node 18.17 and
// nothing else.
//
//     const ocapi = Verifier.fromEnvironment();
//     …
//     const result = await ocapi.verify(form.get('ocapi-challenge-id'));
//     if (!result.passes) …

import { createHmac } from 'node:crypto';

/** What became of a verification. Only validated says that somebody has solved the challenge. */
export const Outcome = Object.freeze({
  validated: 'validated', // solved
  rejected: 'rejected', // answered wrongly
  notAnswered: 'not answered', // not answered yet, or not in time
  unknown: 'unknown', // no challenge of this website, or no id at all
  unavailable: 'unavailable', // Ocapi did not answer, or said that it cannot: nobody knows
  misconfigured: 'misconfigured', // Ocapi refuses us, or something else answers: nobody knows, and somebody has to mend it
});

/** Milliseconds for a verification, its second try included: a visitor waits for it. */
const timeout = 2000;
/** So many verifications in a row without an answer, and for so many milliseconds Ocapi is not asked any more. */
const breakerFailures = 5;
const breakerPause = 10_000;
/** An answer takes less than 30 bytes, a problem some hundred. What is longer does not come from Ocapi. */
const longestAnswer = 4096;
/** No challenge has this id: asking for it finds out whether Ocapi is there. */
const noChallenge = '00000000-0000-0000-0000-000000000000';

/**
 * @typedef {object} Verification
 * @property {string} outcome one of Outcome
 * @property {boolean} passes let the form through: the challenge is validated, or Ocapi is unavailable and the
 *   website has chosen to allow that
 * @property {string} challengeId in lower case, to remember as used; '' where the form brought none
 * @property {string} reason for the log, where the outcome is unavailable or misconfigured; holds no secret
 */

/** Asks one Ocapi for one website. Keep one for the life of the program: it remembers whether Ocapi answers. */
export class Verifier {
  #base;
  #clientId;
  #privateId;
  #allowWhenDown;
  // The breaker keeps visitors from waiting for an Ocapi that does not answer. After enough failures in a
  // row it is open: nobody asks. Once the pause is over it lets one ask, and is closed by an answer.
  #failures = 0;
  #until = 0;

  /**
   * @param {object} settings
   * @param {string} settings.baseUrl Ocapi's address, with or without a final slash
   * @param {string} settings.clientId the public id
   * @param {string} settings.privateId as it was printed, "ocapi_" included
   * @param {boolean} [settings.allowWhenDown] let everybody through while Ocapi is unavailable; otherwise nobody
   *   gets through then
   * @throws {Error} naming the setting that is missing or wrong
   */
  constructor({ baseUrl = '', clientId = '', privateId = '', allowWhenDown = false }) {
    const base = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
    if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash) {
      throw new Error("OCAPI_BASE_URL is to be Ocapi's address, such as https://ocapi.example");
    }
    if (!clientId) throw new Error("OCAPI_CLIENT_ID is missing: the website's public id");
    if (!/^ocapi_[!-~]+$/.test(privateId)) {
      throw new Error('OCAPI_PRIVATE_ID is to be the private id as it was printed: it begins with ocapi_ and has no blanks or line ends');
    }
    this.#base = baseUrl.replace(/\/+$/, '');
    this.#clientId = clientId;
    this.#privateId = privateId;
    this.#allowWhenDown = allowWhenDown;
  }

  /** Reads OCAPI_BASE_URL, OCAPI_CLIENT_ID, OCAPI_PRIVATE_ID and OCAPI_WHEN_DOWN ("refuse", the default, or "allow"). */
  static fromEnvironment(env = process.env) {
    const whenDown = env.OCAPI_WHEN_DOWN || 'refuse';
    if (whenDown !== 'refuse' && whenDown !== 'allow') throw new Error(`OCAPI_WHEN_DOWN is "${whenDown}"; it is refuse or allow`);
    return new Verifier({
      baseUrl: env.OCAPI_BASE_URL,
      clientId: env.OCAPI_CLIENT_ID,
      privateId: env.OCAPI_PRIVATE_ID,
      allowWhenDown: whenDown === 'allow',
    });
  }

  /**
   * Asks how a challenge ended. Takes 2 seconds at most, and no time where Ocapi has not answered for a while.
   * Never throws.
   * @param {unknown} challengeId as the form brought it
   * @returns {Promise<Verification>}
   */
  async verify(challengeId) {
    // Ocapi reads ids in either case; only one of them may be remembered.
    let id = typeof challengeId === 'string' ? challengeId.trim().toLowerCase() : '';
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
      if (!this.#allowWhenDown) return { outcome: Outcome.unknown, passes: false, challengeId: '', reason: '' };
      // While Ocapi is down no page can have a challenge. Whoever then lets everybody through has to find
      // out whether it is.
      id = '';
    }
    const [outcome, reason = ''] = await this.#ask(id || noChallenge);
    const passes = (id !== '' && outcome === Outcome.validated) || (outcome === Outcome.unavailable && this.#allowWhenDown);
    return { outcome, passes, challengeId: id, reason };
  }

  async #ask(id) {
    // A clock that nobody sets.
    const now = performance.now();
    if (this.#failures >= breakerFailures) {
      if (now < this.#until) {
        return [Outcome.unavailable, `${this.#base} has not answered ${breakerFailures} times in a row and is asked again within ${breakerPause / 1000} s`];
      }
      this.#until = now + breakerPause; // the others wait for what this one learns
    }
    const signal = AbortSignal.timeout(timeout);
    let answer = await this.#get(id, signal);
    // A connection was lost; one more may lead to another node.
    if (answer.error && !signal.aborted) answer = await this.#get(id, signal);
    const judged = this.#judge(answer);
    if (judged[0] === Outcome.unavailable) {
      this.#failures++;
      this.#until = performance.now() + breakerPause;
    } else {
      this.#failures = 0;
    }
    return judged;
  }

  async #get(id, signal) {
    try {
      const reply = await fetch(`${this.#base}/state/${encodeURIComponent(this.#clientId)}/${id}`, {
        headers: { Authorization: this.#token(), Accept: 'application/json' },
        redirect: 'manual', // the token is for Ocapi and nobody else
        signal,
      });
      const parts = [];
      let length = 0;
      for await (const part of reply.body ?? []) {
        length += part.length;
        if (length > longestAnswer) return { tooLong: true }; // which ends the connection
        parts.push(part);
      }
      return { status: reply.status, body: Buffer.concat(parts).toString(), location: reply.headers.get('Location') ?? '' };
    } catch (error) {
      return { error, timedOut: signal.aborted };
    }
  }

  /** The token that says who asks: a JWT, signed with HS512 by the private id as it is printed. */
  #token() {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ typ: 'JWT', alg: 'HS512' })}.${part({ client_id: this.#clientId, exp: Math.floor(Date.now() / 1000) + 60 })}`;
    return `${token}.${createHmac('sha512', this.#privateId).update(token).digest('base64url')}`;
  }

  /** What an answer means, and a line for the log of what is wrong. */
  #judge({ status, body = '', location, error, timedOut, tooLong }) {
    const base = this.#base;
    const text = printable(body);
    const said = parsed(body);
    const detail = printable(said.detail);
    const wrong = (reason) => [Outcome.misconfigured, reason];
    if (tooLong) return wrong(`${base} answers with more than ${longestAnswer} bytes: is something other than Ocapi there? (OCAPI_BASE_URL)`);
    if (timedOut) return [Outcome.unavailable, `${base} did not answer within ${timeout / 1000} s`];
    // What fetch itself says is "fetch failed"; the cause knows more.
    if (error) return [Outcome.unavailable, `${base} cannot be asked: ${printable(String(error.cause?.message || error.cause?.code || error.message))}`];
    if (status === 429 || status >= 500) return [Outcome.unavailable, `${base} answers ${status}: ${text}`];
    if (status === 403 && said.type === '/problems/forbidden') {
      return wrong(`Ocapi refuses the token (403: ${detail}): OCAPI_PRIVATE_ID is not, or no longer, a private id of client "${this.#clientId}" (OCAPI_CLIENT_ID), or this server's clock is wrong`);
    }
    if (status === 404 && said.type === '/problems/not-found') {
      if (detail.includes('challenge')) return [Outcome.unknown];
      return wrong(`Ocapi at ${base} does not know client "${this.#clientId}" (404: ${detail}): OCAPI_CLIENT_ID or OCAPI_BASE_URL is wrong`);
    }
    if (status >= 300 && status < 400) return wrong(`${base} redirects (${status}) to ${printable(location)}, which is not followed: set OCAPI_BASE_URL to where Ocapi is`);
    const outcome = { validated: Outcome.validated, rejected: Outcome.rejected, created: Outcome.notAnswered };
    if (status === 200 && typeof said.state === 'string' && Object.hasOwn(outcome, said.state)) return [outcome[said.state]];
    return wrong(`what answers at ${base} is not Ocapi (OCAPI_BASE_URL): status ${status}, ${text}`);
  }
}

/** Reads a JSON object; an empty one stands for whatever else it is. */
function parsed(body) {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}

/** Makes a line of what somebody else has written, fit for a log. */
function printable(text) {
  return String(text ?? '').slice(0, 200).replace(/[^ -~]/g, ' ');
}
