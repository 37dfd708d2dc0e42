<?php
declare(strict_types=1);

// A form handler that is protected by Ocapi.

use Ocapi\{Outcome, Verifier};

require __DIR__ . '/verify.php';

$result = Verifier::fromEnvironment()->verify($_POST['ocapi-challenge-id'] ?? '');
if ($result->reason !== '') {
    error_log("ocapi: {$result->outcome->value}: challenge $result->challengeId: $result->reason");
}
// Each challenge counts once: an empty file for it, made in one step that fails where it is already. A website
// with a database has a table with a unique column for that.
$file = getenv('OCAPI_STATE_DIR') . "/$result->challengeId";
$used = $result->outcome === Outcome::Validated && !@fopen($file, 'x');

header('Content-Type: text/plain; charset=utf-8');
[$status, $text] = match (true) {
    $used && is_file($file) => [403, 'This challenge has been used already.'],
    $result->passes && !$used => [200, 'Thank you.'], // here the message is stored
    $used, $result->outcome === Outcome::Unavailable, $result->outcome === Outcome::Misconfigured
        => [503, 'The challenge could not be checked. Please try again in a moment.'],
    default => [403, 'The challenge was not solved. If there was none, please try again in a moment.'],
};
http_response_code($status);
echo "$text\n";
