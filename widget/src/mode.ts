// What a type of challenge has to bring along; the widget knows no more of it than this.

import type { Answer, Challenge } from './api';
import type { Texts } from './texts';

export interface Mode {
  /** What the person is asked to do. */
  readonly title: (Node | string)[];
  /** What their answer is good for. */
  readonly purpose: string;
  /** Where they do it. */
  readonly body: HTMLElement;
  /** Says what is still missing and puts the focus there; empty when the answer is complete. */
  missing(): string;
  answer(): Answer;
  /** Whether work would be lost if the challenge went away. */
  touched(): boolean;
  focus(): void;
  /** Begins what a person who has just asked for this challenge would begin at once. */
  play?(): void;
}

export interface ModeParams {
  challenge: Challenge;
  /** What the challenge's addresses are appended to. */
  base: string;
  texts: Texts;
  language: string;
  /** To be called when the person says that they are done other than with the widget's button. */
  submit(): void;
  /** To be called when the challenge cannot be shown, for example because an image does not come. */
  broken(): void;
}
