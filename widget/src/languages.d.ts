// The build hands the languages over as lists, which are smaller than named texts: one list a
// language, and the place of each text in all of them.
declare module 'ocapi:languages' {
  type Name = Exclude<keyof typeof import('../languages/en.json'), 'page'>;
  /** The place of each text, by its name in ../languages. */
  export const T: { readonly [K in Name]: number };
  export const en: string[];
  export const fr: string[];
  /** All languages that there are, those released beside the script included. */
  export const names: string[];
  /** The version of this release. */
  export const version: string;
}
