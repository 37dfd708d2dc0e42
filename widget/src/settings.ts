// What the page says about the widget: attributes of the placeholder and the script's own address.

export interface Settings {
  /** The client's public id; empty when the page forgot it. */
  client: string;
  /** Addresses of instances without a final slash, the one to try first in front; none when it cannot be known. */
  bases: string[];
  /** The type of challenge asked for; empty leaves the choice to the instance. */
  type: string;
  /** Challenges in a row of the game; 0 where there is no game. */
  rounds: number;
}

const usualRounds = 5;
const mostRounds = 20;

export function readSettings(place: HTMLElement, src: string | null): Settings {
  // The captchan names are those of the first releases; pages that carry them still work.
  const read = (name: string) =>
    place.getAttribute('data-ocapi-' + name) || place.getAttribute('data-captchan-' + name) || '';
  const client = read('client');
  const fallback = read('fallback-url');
  return {
    client,
    // Without a client there is nobody to ask for.
    bases: [baseURL(read('base-url'), src), fallback && baseURL(fallback, src)].filter((base) => client && base),
    type: read('type'),
    rounds: game(place.getAttribute('data-ocapi-game-mode')),
  };
}

function game(value: string | null): number {
  if (value === null || value === 'false') return 0;
  const n = +value;
  return n > 1 && n <= mostRounds && n % 1 === 0 ? n : usualRounds;
}

function baseURL(attribute: string, src: string | null): string {
  try {
    if (attribute) return trim(new URL(attribute, document.baseURI).href);
    const own = new URL(src || '');
    const api = own.searchParams.get('api');
    return trim(api ? new URL(api, src!).href : own.origin);
  } catch (e) {
    return '';
  }
}

function trim(url: string): string {
  return url.replace(/\/+$/, '');
}
