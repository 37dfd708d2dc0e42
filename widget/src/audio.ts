// Audio: a sound, and a line for what the person hears in it.

import { T } from 'ocapi:languages';
import { button, el, toggle } from './dom';
import { createField } from './field';
import type { Mode, ModeParams } from './mode';

const enum Limit {
  // After the first frame, on a slow machine too, and before anybody would look for a player.
  playerMs = 150,
}

const enum Rate {
  usual = 1,
  slow = 0.7,
}

export function audio({ challenge, base, texts, language, submit, broken }: ModeParams): Mode {
  const spoken = challenge.lang || language;
  const sound = el('audio', {
    preload: 'auto',
    // Anonymous, like the images: no cookie goes along.
    crossorigin: 'anonymous',
    'aria-labelledby': 'title',
  });
  sound.addEventListener('error', broken);
  sound.src = base + challenge.audio!.url;
  // The browser's own player is a third of the work of showing all of this, and what needs no player comes first.
  setTimeout(() => (sound.controls = true), Limit.playerMs);

  function play(): void {
    sound.currentTime = 0;
    // A browser that does not let it begin has its own button, beside ours.
    sound.play().catch(() => {});
  }
  const replay = button('replay', play, texts[T.replay]);
  // Pitch is preserved: it is what browsers do by default.
  const slower = toggle(
    'slower',
    (on) => {
      sound.playbackRate = on ? Rate.slow : Rate.usual;
      play();
    },
    texts[T.slower],
  );

  const field = createField('text-0', submit, { enterkeyhint: 'done', lang: spoken }, 'hint');

  return {
    title: [texts[T.hear]],
    purpose: texts[T.audio],
    body: el(
      'div',
      { class: 'audio' },
      el('div', { class: 'player' }, sound),
      el('div', { class: 'row' }, replay, slower),
      el('label', { for: 'text-0' }, texts[T.heard], foreign(spoken, language)),
      field.input,
      el('p', { class: 'hint', id: 'hint' }, texts[T.hint]),
    ),
    missing() {
      if (field.text()) return '';
      field.blame();
      return texts[T.fillAudio];
    },
    answer: () => ({ text: field.text() }),
    touched: () => !!field.text(),
    // Not the line to be typed in: a screen reader would read out its label and its hint over the sound.
    focus: () => replay.focus(),
    play,
  };
}

/** Names the language that is spoken where it is not that of the texts. */
function foreign(spoken: string, language: string): string {
  if (spoken.split('-')[0] === language) return '';
  try {
    return ' (' + new Intl.DisplayNames([language], { type: 'language' }).of(spoken) + ')';
  } catch (e) {
    return '';
  }
}
