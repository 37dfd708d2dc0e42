// What the page says about the widget: attributes of the placeholder and the script's own address.

export interface Settings {
  /** The client's public id; empty when the page forgot it. */
  client: string;
  /** Address of the instance without a final slash; empty when it cannot be known. */
  base: string;
  /** The type of challenge asked for; empty leaves the choice to the instance. */
  type: string;
}

export function readSettings(place: HTMLElement, src: string | null): Settings {
  // The captchan names are those of the first releases; pages that carry them still work.
  const read = (name: string) =>
    place.getAttribute('data-ocapi-' + name) || place.getAttribute('data-captchan-' + name) || '';
  return { client: read('client'), base: baseURL(read('base-url'), src), type: read('type') };
}

function baseURL(attribute: string, src: string | null): string {
  try {
    if (attribute) return trim(new URL(attribute, document.baseURI).href);
    if (!src) return '';
    const own = new URL(src);
    const api = own.searchParams.get('api');
    return trim(api ? new URL(api, src).href : own.origin);
  } catch (e) {
    return '';
  }
}

function trim(url: string): string {
  return url.replace(/\/+$/, '');
}
