<?php
declare(strict_types=1);

// A sign-in page that Ocapi protects. Settings come from the environment: see README.md.

require __DIR__ . '/ocapi.php';

use Ocapi\Challenges;
use Ocapi\Verdict;

/** A setting from the environment; without a default it is needed. */
function setting(string $name, ?string $default = null): string
{
    $value = getenv($name);
    if ($value !== false && $value !== '') {
        return $value;
    }
    return $default ?? throw new DomainException("$name is not set");
}

/** A setting that is one of a few words. */
function choice(string $name, string ...$words): string
{
    $value = setting($name, $words[0]);
    return in_array($value, $words, true) ? $value : throw new DomainException("$name is neither of: " . implode(', ', $words));
}

function origin(string $address): string
{
    $url = parse_url($address);
    if (!in_array($url['scheme'] ?? '', ['http', 'https'], true) || !isset($url['host'])) {
        throw new DomainException("$address is no address: it must begin with https:// or http://");
    }
    return $url['scheme'] . '://' . $url['host'] . (isset($url['port']) ? ':' . $url['port'] : '');
}

/** Text as it has to stand in HTML, in attributes too. */
function html(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE | ENT_HTML5, 'UTF-8');
}

try {
    $baseURL = setting('OCAPI_BASE_URL');
    $ocapi = origin($baseURL);
    $scriptURL = setting('OCAPI_SCRIPT_URL');
    $scriptOrigin = origin($scriptURL);
    $integrity = setting('OCAPI_SCRIPT_INTEGRITY');
    $clientId = setting('OCAPI_CLIENT_ID');
    // The names that the page uses. Ocapi and this server understand both.
    $brand = choice('OCAPI_NAMES', 'ocapi', 'captchan');
    $usedFolder = setting('OCAPI_USED_DIR');
    if (!preg_match('~^(/|[a-z]:[/\\\\])~i', $usedFolder)) {
        // PHP's server would take a relative one as a part of this folder, which browsers can read.
        throw new DomainException("OCAPI_USED_DIR: $usedFolder is not a whole path");
    }
    if (!is_dir($usedFolder) && !@mkdir($usedFolder, 0700, true) && !is_dir($usedFolder)) {
        throw new DomainException("OCAPI_USED_DIR: cannot make the folder $usedFolder");
    }
    $timeout = setting('OCAPI_TIMEOUT', '5');
    if (!is_numeric($timeout) || $timeout < 0.1 || $timeout > 60) {
        throw new DomainException('OCAPI_TIMEOUT is not a number of seconds from 0.1 to 60');
    }
    $challenges = new Challenges(
        address: setting('OCAPI_SERVER_URL', $baseURL),
        clientIds: [$clientId, ...array_filter(explode(',', setting('OCAPI_ALIASES', '')))],
        privateId: setting('OCAPI_PRIVATE_ID'),
        usedFolder: $usedFolder,
        signAsForm: choice('OCAPI_SIGN', 'own', 'form') === 'form',
        allowWhenDown: choice('OCAPI_WHEN_DOWN', 'refuse', 'allow') === 'allow',
        timeout: (float) $timeout,
    );
} catch (DomainException $e) {
    error_log('sign-in page: ' . $e->getMessage());
    http_response_code(500);
    header('Content-Type: text/plain; charset=utf-8');
    exit("This page is not set up.\n" . $e->getMessage() . "\n");
}

$user = is_string($_POST['user'] ?? null) ? $_POST['user'] : '';
$verdict = null;
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    // First the challenge, then the password: who has not solved it gets no try at guessing one.
    $verdict = $challenges->verdict($_POST);
}
// Here a real site would check the password. This one takes any.
$signedIn = $verdict === Verdict::Passed;
// Who has solved a challenge that could not be checked need not solve another: the next try brings it again.
$kept = $verdict === Verdict::Unknown ? Challenges::idIn($_POST) : '';

[$status, $notice] = match ($verdict) {
    null => [200, ''],
    Verdict::Passed => [200, 'You are signed in, and your answer is on its way to the collection. Thank you.'],
    Verdict::NotSolved => [403, 'You were not signed in: the challenge was not solved. Here is a new one.'],
    Verdict::Used => [403, 'You were not signed in: that challenge had been used already, and each counts once. Here is a new one.'],
    Verdict::Unknown => [503, 'You were not signed in: the challenge could not be checked. Please try again in a moment.'],
};

$nonce = base64_encode(random_bytes(18));
http_response_code($status);
header('Content-Type: text/html; charset=utf-8');
header('Cache-Control: no-store');
header('Referrer-Policy: no-referrer');
header('X-Content-Type-Options: nosniff');
header("Content-Security-Policy: default-src 'none'; script-src $scriptOrigin; connect-src $ocapi; img-src $ocapi; media-src $ocapi;"
    . " frame-src $ocapi; style-src 'nonce-$nonce'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'");
?>
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= $signedIn ? 'Signed in' : 'Sign in' ?> – Reading room</title>
<style nonce="<?= html($nonce) ?>">
:root { color-scheme: light dark }
body { max-width: 32rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif }
label { display: block; margin: 1rem 0 .25rem }
input { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem }
button { margin-top: 1rem; font: inherit; padding: .5rem 1.25rem }
iframe { width: 100%; height: 40rem; border: 1px solid }
.challenge { margin-top: 1rem }
.notice { padding: .5rem .75rem; border-inline-start: .3rem solid }
</style>
<script src="<?= html($scriptURL) ?>" integrity="<?= html($integrity) ?>" crossorigin="anonymous" defer></script>
</head>
<body>
<main>
<?php if ($signedIn): ?>
  <h1>Welcome, <?= html($user) ?></h1>
  <p class="notice" role="status"><?= html($notice) ?></p>
  <p><a href="?">Sign in again</a></p>
<?php else: ?>
  <h1>Sign in</h1>
<?php if ($notice !== ''): ?>
  <p class="notice" role="alert"><?= html($notice) ?></p>
<?php endif ?>
  <form method="post">
    <label for="user">Reader’s name</label>
    <input id="user" name="user" value="<?= html($user) ?>" autocomplete="username" required>
    <label for="password">Password</label>
    <input id="password" name="password" type="password" autocomplete="current-password" required>

<?php if ($kept !== ''): ?>
    <input type="hidden" name="ocapi-challenge-id" value="<?= html($kept) ?>">
    <input type="hidden" name="ocapi-client-id" value="<?= html($clientId) ?>">
<?php else: ?>
    <div class="challenge" id="<?= $brand ?>-challenge" data-<?= $brand ?>-client="<?= html($clientId) ?>" data-<?= $brand ?>-base-url="<?= html($baseURL) ?>"></div>
    <noscript>
      <iframe src="<?= html(rtrim($baseURL, '/') . '/noscript/' . rawurlencode($clientId) . '?lang=en') ?>" title="Challenge: shows a code to copy"></iframe>
      <label for="code">Code that the challenge shows</label>
      <input id="code" name="<?= $brand ?>-challenge-id" autocomplete="off" autocapitalize="none" spellcheck="false" required>
      <input type="hidden" name="<?= $brand ?>-client-id" value="<?= html($clientId) ?>">
    </noscript>
<?php endif ?>

    <button type="submit">Sign in</button>
  </form>
<?php endif ?>
</main>
</body>
</html>
