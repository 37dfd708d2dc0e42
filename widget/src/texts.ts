// What the widget says. The texts stand in ../languages, one file a language.

import en from '../languages/en.json';
import fr from '../languages/fr.json';

export type Texts = typeof en;

const languages: Record<string, Texts> = { en, fr };

/** The first language we speak among those of the element, the page and the browser. */
export function chooseLanguage(place: Element): string {
  const near = place.closest('[lang]');
  const wanted = [near ? near.getAttribute('lang')! : '', document.documentElement.lang, ...navigator.languages];
  for (const tag of wanted) {
    const language = primary(tag);
    if (languages.hasOwnProperty(language)) return language;
  }
  return 'en';
}

export function textsIn(language: string): Texts {
  return languages[language];
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
