// A proof of work: what an instance may ask of a browser instead of patience when many people ask for
// challenges. It costs a person a moment and somebody who asks thousands of times much more, and tells
// nothing about either.

/** A task as it stands in the problem document of a 429. Byte strings are in hexadecimal digits. */
export interface Work {
  algorithm: string;
  nonce: string;
  salt: string;
  /** Rounds of PBKDF2 for each try. */
  cost: number;
  /** Bytes to be derived. */
  key_length: number;
  /** What the derived key has to begin with. */
  key_prefix: string;
  /** The last counter to be tried. */
  max: number;
  /** What the instance wants back, whatever it is. */
  token: string;
}

// Tries in flight at once: the browser spreads them over its own threads.
const mostLanes = 8;

/** Whether this page can work at all: browsers offer their cryptography on secure pages only. */
export const canWork = !!(window.crypto && crypto.subtle);

/**
 * Finds the counter whose key, PBKDF2 of nonce and counter (uint32, big-endian), has the prefix, and
 * returns what to send; empty when there is none, when the task is of an unknown kind, or when it was
 * stopped. All computing is the browser's, off the page's own thread.
 */
export async function work(task: Work, stopped: () => boolean): Promise<string> {
  if (!canWork || task.algorithm !== 'PBKDF2/SHA-256') return '';
  const nonce = bytes(task.nonce);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt: bytes(task.salt), iterations: task.cost };
  let next = 0;
  let found = '';

  async function lane(): Promise<void> {
    while (!found && next <= task.max && !stopped()) {
      const counter = next++;
      new DataView(password.buffer).setUint32(nonce.length, counter);
      // importKey copies the password before it returns, so that all lanes may use one.
      const key = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
      const bits = await crypto.subtle.deriveBits(derivation, key, task.key_length * 8);
      if (hex(bits).startsWith(task.key_prefix)) found = task.token + '.' + counter;
    }
  }

  await Promise.all(Array.from({ length: Math.min(navigator.hardwareConcurrency || 2, mostLanes) }, lane));
  return found;
}

function bytes(digits: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(digits.match(/../g) || [], (pair) => parseInt(pair, 16));
}

function hex(bits: ArrayBuffer): string {
  return Array.from(new Uint8Array(bits), (byte) => (byte + 256).toString(16).slice(1)).join('');
}
