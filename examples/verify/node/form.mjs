// A form handler that is protected by Ocapi. It takes the address to listen on.

import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Outcome, Verifier } from './verify.mjs';

const ocapi = Verifier.fromEnvironment();

/** Takes the form. Let it be the first thing that a form meets, before its fields are looked at. */
async function handle(form) {
  const result = await ocapi.verify(form.get('ocapi-challenge-id'));
  if (result.reason) console.error(`ocapi: ${result.outcome}: challenge ${result.challengeId}: ${result.reason}`);
  let use = '';
  if (result.outcome === Outcome.validated) use = firstUse(result.challengeId);
  if (use === 'EEXIST') return [403, 'This challenge has been used already.'];
  if (result.passes && use === '') return [200, 'Thank you.']; // here the message is stored
  if (use !== '' || result.outcome === Outcome.unavailable || result.outcome === Outcome.misconfigured) {
    return [503, 'The challenge could not be checked. Please try again in a moment.'];
  }
  return [403, 'The challenge was not solved. If there was none, please try again in a moment.'];
}

/**
 * Remembers a challenge as used, in one step that fails where it is already: each counts once. A website with a
 * database has a table with a unique column for it. Gives '' or the code of what went wrong.
 */
function firstUse(id) {
  try {
    closeSync(openSync(join(process.env.OCAPI_STATE_DIR ?? '', id), 'wx', 0o600));
    return '';
  } catch (error) {
    if (error.code !== 'EEXIST') console.error(`the challenge cannot be remembered as used (OCAPI_STATE_DIR): ${error.message}`);
    return error.code;
  }
}

const [host, port] = (process.argv[2] ?? '127.0.0.1:8000').split(':');
const server = createServer(async (request, response) => {
  let body = '';
  try {
    for await (const part of request) {
      body += part;
      if (body.length > 65536) throw new Error('the form is too large');
    }
  } catch {
    request.destroy();
    return;
  }
  const [status, text] = request.method === 'POST' ? await handle(new URLSearchParams(body)) : [405, 'This takes a form.'];
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
});
server.listen(Number(port), host, () => console.log(`listening on http://${host}:${server.address().port}`));
