// Package voices speaks audio challenges: it holds recordings of letters,
// digits and words in several languages, and mixes them into a sound.
//
// # Recordings
//
// French and English come with the program (folder clips, made by make voices).
// A folder of an operator's own recordings takes the place of a language or
// adds one; see [Open]. All recordings are brought to one form when they are
// read: 11 kHz, mono, silence cut off, equally loud. That leaves what tells
// letters apart below 5 kHz; those that cannot be told apart by it, or by people
// whose hearing ends there, are never asked (domain.NewAlphabet). A challenge has
// about 170 KB.
//
// # Sounds
//
// A sound is made of a speech (domain.Speech) alone, with whole numbers only,
// so that it is the same to the byte on every node with the same recordings,
// whatever its processor. One speaker says a whole challenge, because listeners
// understand a voice better that they have got used to; speed and loudness of
// each symbol, the pauses, and what is heard behind differ by the seed of the
// challenge. Behind the speech there is a murmur of other recordings played
// backwards, and a little noise.
//
// Sounds are made when they are fetched and a few are kept, so that a browser
// that fetches one in pieces does not have it made again for each.
package voices
