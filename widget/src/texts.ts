// What the widget says. The texts stand in ../languages, one file a language: English and French go
// into the script, the others are released beside it and fetched when they are wanted.

import { en, fr, names, version } from 'ocapi:languages';
import { send } from './api';

/** The texts of a language by their places, see T. */
export type Texts = string[];

const inside: Record<string, Texts> = { en, fr };

/** The first language that there is among those of the element, the page and the browser. */
export function chooseLanguage(place: Element): string {
  const near = place.closest('[lang]');
  const wanted = [near ? near.getAttribute('lang')! : '', document.documentElement.lang, ...navigator.languages];
  return wanted.map(primary).find((tag) => names.includes(tag)) || 'en';
}

/** The texts and the language that they are in: English where none of the instances has the one asked for. */
export async function textsIn(language: string, bases: string[]): Promise<[Texts, string]> {
  if (inside[language]) return [inside[language], language];
  for (const base of bases) {
    try {
      const { body } = await send(base + '/ocapi/' + version + '/' + language + '.json', { cache: 'default' });
      // The file has the texts in the order of the lists. A problem, or what a proxy says, is shorter.
      const texts: Texts = Object.values(body);
      if (texts.length === en.length) return [texts, language];
    } catch (e) {}
  }
  return [en, 'en'];
}

/** Puts numbers in the places of {0} and {1}. */
export function fill(text: string, ...values: number[]): string {
  return text.replace(/{(\d)}/g, (_, i) => '' + values[i]);
}

export function isRightToLeft(language: string): boolean {
  return /^(ar|fa|he|ur)$/.test(language);
}

/** The keyword in the language asked for, else in English, else in any, with the language it is in. */
export function keywordIn(prompt: Record<string, string>, language: string): [string, string] {
  const tags = Object.keys(prompt);
  const tag = tags.find((t) => primary(t) === language) || tags.find((t) => primary(t) === 'en') || tags[0];
  return tag ? [prompt[tag], tag] : ['', ''];
}

function primary(tag: string): string {
  return tag.toLowerCase().split('-')[0];
}
