// What the widget says. A further language is one more entry; TypeScript refuses one with a missing text.

const en = {
  /** Stands where the task will be, as long as there is none. */
  name: 'Help to read old documents',
  loading: 'Loading the challenge…',
  read: 'Type what you read in each image',
  /** The keyword follows. */
  select: 'Select every image that shows:',
  /** The number follows. */
  image: 'Image',
  unreadable: 'I can’t read this',
  validate: 'Validate',
  sending: 'Checking…',
  another: 'Another challenge',
  retry: 'Try again',
  validated: 'Validated. Thank you!',
  rejected: 'That didn’t match. Here is a new challenge.',
  rejectedOnly: 'That didn’t match.',
  expired: 'That challenge had expired. Here is a new one.',
  fill: 'Type an answer for each image, or say that you can’t read it.',
  pick: 'Select at least one image.',
  refused: 'This answer could not be taken. Please check it.',
  down: 'The challenge can’t be reached at the moment. What you typed on this page is kept.',
  busy: 'Many people are answering just now. A new try starts by itself.',
  noOther: 'There is no other challenge just now. You can still answer this one.',
  setup: 'This challenge isn’t set up correctly. Please tell the owner of this site.',
  transcription: 'Your answer helps to transcribe heritage documents.',
  classification: 'Your answer helps to describe heritage documents.',
};

export type Texts = typeof en;

const fr: Texts = {
  name: 'Aidez à lire des documents anciens',
  loading: 'Chargement du défi…',
  read: 'Écrivez ce que vous lisez sur chaque image',
  select: 'Sélectionnez toutes les images qui montrent\u00a0:',
  image: 'Image',
  unreadable: 'Je n’arrive pas à lire',
  validate: 'Valider',
  sending: 'Vérification…',
  another: 'Un autre défi',
  retry: 'Réessayer',
  validated: 'C’est validé, merci\u00a0!',
  rejected: 'Cela ne correspond pas. Voici un nouveau défi.',
  rejectedOnly: 'Cela ne correspond pas.',
  expired: 'Ce défi avait expiré. En voici un nouveau.',
  fill: 'Répondez pour chaque image, ou indiquez que vous n’arrivez pas à la lire.',
  pick: 'Sélectionnez au moins une image.',
  refused: 'Cette réponse n’a pas pu être prise en compte. Merci de la vérifier.',
  down: 'Le défi est injoignable pour le moment. Ce que vous avez saisi sur cette page est conservé.',
  busy: 'Beaucoup de personnes répondent en ce moment. Un nouvel essai partira tout seul.',
  noOther: 'Il n’y a pas d’autre défi pour l’instant. Vous pouvez encore répondre à celui-ci.',
  setup: 'Ce défi n’est pas configuré correctement. Merci de prévenir le responsable du site.',
  transcription: 'Votre réponse aide à transcrire des documents patrimoniaux.',
  classification: 'Votre réponse aide à décrire des documents patrimoniaux.',
};

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
