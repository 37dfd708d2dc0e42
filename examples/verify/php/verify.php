<?php
declare(strict_types=1);

// Asks Ocapi how a challenge ended, from a website's server. Take this file as it is; it needs PHP 8.2
// with curl, and nothing else.
//
//     $result = Ocapi\Verifier::fromEnvironment()->verify($_POST['ocapi-challenge-id'] ?? '');
//     if (!$result->passes) { … }

namespace Ocapi;

/** What became of a verification. Only Validated says that somebody has solved the challenge. */
enum Outcome: string
{
    case Validated = 'validated';         // solved
    case Rejected = 'rejected';           // answered wrongly
    case NotAnswered = 'not answered';    // not answered yet, or not in time
    case Unknown = 'unknown';             // no challenge of this website, or no id at all
    case Unavailable = 'unavailable';     // Ocapi did not answer, or said that it cannot: nobody knows
    case Misconfigured = 'misconfigured'; // Ocapi refuses us, or something else answers: nobody knows, and somebody has to mend it
}

final class Verification
{
    /**
     * @param bool   $passes      let the form through: the challenge is validated, or Ocapi is unavailable and
     *                            the website has chosen to allow that
     * @param string $challengeId in lower case, to remember as used; "" where the form brought none
     * @param string $reason      for the log, where the outcome is Unavailable or Misconfigured; holds no secret
     */
    public function __construct(
        public readonly Outcome $outcome,
        public readonly bool $passes,
        public readonly string $challengeId = '',
        public readonly string $reason = '',
    ) {
    }
}

final class Verifier
{
    /** Seconds for a verification, its second try included: a visitor waits for it. */
    private const TIMEOUT = 2.0;
    /** So many verifications in a row without an answer, and for so many seconds Ocapi is not asked any more. */
    private const BREAKER_FAILURES = 5;
    private const BREAKER_PAUSE = 10.0;
    /** An answer takes less than 30 bytes, a problem some hundred. What is longer does not come from Ocapi. */
    private const LONGEST_ANSWER = 4096;
    /** No challenge has this id: asking for it finds out whether Ocapi is there. */
    private const NO_CHALLENGE = '00000000-0000-0000-0000-000000000000';

    private readonly string $base;

    /**
     * @param string $baseUrl       Ocapi's address, with or without a final slash
     * @param string $clientId      the public id
     * @param string $privateId     as it was printed, "ocapi_" included
     * @param string $stateFolder   an existing folder on this machine's disk; only this website may write there, and
     *                              no browser reads there. It keeps, between requests, whether Ocapi answers
     * @param bool   $allowWhenDown let everybody through while Ocapi is unavailable; otherwise nobody gets through then
     * @throws \InvalidArgumentException naming the setting that is missing or wrong
     */
    public function __construct(
        string $baseUrl,
        private readonly string $clientId,
        #[\SensitiveParameter] private readonly string $privateId,
        private readonly string $stateFolder,
        private readonly bool $allowWhenDown = false,
    ) {
        $parts = parse_url($baseUrl) ?: [];
        if (!in_array($parts['scheme'] ?? '', ['https', 'http'], true) || ($parts['host'] ?? '') === ''
            || array_intersect_key($parts, ['user' => 1, 'pass' => 1, 'query' => 1, 'fragment' => 1])) {
            throw new \InvalidArgumentException("OCAPI_BASE_URL is to be Ocapi's address, such as https://ocapi.example");
        }
        if ($clientId === '') {
            throw new \InvalidArgumentException("OCAPI_CLIENT_ID is missing: the website's public id");
        }
        if (!preg_match('/^ocapi_[!-~]+\z/', $privateId)) {
            throw new \InvalidArgumentException('OCAPI_PRIVATE_ID is to be the private id as it was printed: it begins with ocapi_ and has no blanks or line ends');
        }
        if (!is_dir($stateFolder) || !is_writable($stateFolder)) {
            throw new \InvalidArgumentException('OCAPI_STATE_DIR is to be a folder in which only this website may write');
        }
        if (!function_exists('curl_init')) {
            throw new \InvalidArgumentException('PHP has no curl: install its extension (php-curl)');
        }
        $this->base = rtrim($baseUrl, '/');
    }

    /** Reads OCAPI_BASE_URL, OCAPI_CLIENT_ID, OCAPI_PRIVATE_ID, OCAPI_STATE_DIR and OCAPI_WHEN_DOWN ("refuse", the default, or "allow"). */
    public static function fromEnvironment(): self
    {
        $whenDown = getenv('OCAPI_WHEN_DOWN') ?: 'refuse';
        if (!in_array($whenDown, ['refuse', 'allow'], true)) {
            throw new \InvalidArgumentException("OCAPI_WHEN_DOWN is \"$whenDown\"; it is refuse or allow");
        }
        return new self(
            (string) getenv('OCAPI_BASE_URL'),
            (string) getenv('OCAPI_CLIENT_ID'),
            (string) getenv('OCAPI_PRIVATE_ID'),
            (string) getenv('OCAPI_STATE_DIR'),
            $whenDown === 'allow',
        );
    }

    /** Asks how a challenge ended. Takes 2 seconds at most, and no time where Ocapi has not answered for a while. */
    public function verify(mixed $challengeId): Verification
    {
        // A form may bring a list, too. Ocapi reads ids in either case; only one of them may be remembered.
        $id = is_string($challengeId) ? strtolower(trim($challengeId)) : '';
        if (!preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/', $id)) {
            if (!$this->allowWhenDown) {
                return new Verification(Outcome::Unknown, false);
            }
            // While Ocapi is down no page can have a challenge. Whoever then lets everybody through has
            // to find out whether it is.
            $id = '';
        }
        [$outcome, $reason] = $this->ask($id === '' ? self::NO_CHALLENGE : $id);
        $passes = $id !== '' && $outcome === Outcome::Validated || $outcome === Outcome::Unavailable && $this->allowWhenDown;
        return new Verification($outcome, $passes, $id, $reason);
    }

    /** @return array{Outcome, string} with the reason for the log */
    private function ask(string $id): array
    {
        if (!$this->mayAsk()) {
            return [Outcome::Unavailable, $this->base . ' has not answered ' . self::BREAKER_FAILURES . ' times in a row and is asked again within ' . self::BREAKER_PAUSE . ' s'];
        }
        $deadline = microtime(true) + self::TIMEOUT;
        $answer = $this->get($id, $deadline);
        if (in_array($answer['error'], [CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE], true)) {
            $answer = $this->get($id, $deadline); // a connection was lost; one more may lead to another node
        }
        [$outcome, $reason] = $this->judge($answer);
        $this->note($outcome !== Outcome::Unavailable);
        return [$outcome, $reason];
    }

    /** @return array{error: int, message: string, tooLong: bool, status: int, body: string, location: string} */
    private function get(string $id, float $deadline): array
    {
        $body = '';
        $curl = curl_init($this->base . '/state/' . rawurlencode($this->clientId) . '/' . $id);
        curl_setopt_array($curl, [
            CURLOPT_HTTPHEADER => ['Authorization: ' . $this->token(), 'Accept: application/json'],
            CURLOPT_TIMEOUT_MS => max(1, (int) (($deadline - microtime(true)) * 1000)),
            CURLOPT_NOSIGNAL => true, // otherwise a timeout below one second is one at once
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_FOLLOWLOCATION => false, // the token is for Ocapi and nobody else
            CURLOPT_SSL_VERIFYPEER => true,
            CURLOPT_SSL_VERIFYHOST => 2,
            CURLOPT_WRITEFUNCTION => function ($curl, string $part) use (&$body): int {
                $body .= $part;
                return strlen($body) > self::LONGEST_ANSWER ? -1 : strlen($part);
            },
        ]);
        curl_exec($curl);
        return [
            'error' => curl_errno($curl),
            'message' => curl_error($curl),
            'tooLong' => strlen($body) > self::LONGEST_ANSWER,
            'status' => curl_getinfo($curl, CURLINFO_RESPONSE_CODE),
            'body' => $body,
            'location' => (string) curl_getinfo($curl, CURLINFO_REDIRECT_URL),
        ];
    }

    /** The token that says who asks: a JWT, signed with HS512 by the private id as it is printed. */
    private function token(): string
    {
        $base64 = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        $token = $base64('{"typ":"JWT","alg":"HS512"}')
            . '.' . $base64(json_encode(['client_id' => $this->clientId, 'exp' => time() + 60], JSON_THROW_ON_ERROR));
        return $token . '.' . $base64(hash_hmac('sha512', $token, $this->privateId, true));
    }

    /** @return array{Outcome, string} what an answer means, and a line for the log of what is wrong */
    private function judge(array $answer): array
    {
        ['status' => $status, 'error' => $error] = $answer;
        $json = json_decode($answer['body'], true);
        $said = fn (string $name): string => is_array($json) && is_string($json[$name] ?? null) ? $json[$name] : '';
        $text = self::printable($answer['body']);
        $detail = self::printable($said('detail'));
        return match (true) {
            $answer['tooLong'] => [Outcome::Misconfigured, "$this->base answers with more than " . self::LONGEST_ANSWER . ' bytes: is something other than Ocapi there? (OCAPI_BASE_URL)'],
            $error === CURLE_OPERATION_TIMEDOUT => [Outcome::Unavailable, "$this->base did not answer within " . self::TIMEOUT . ' s'],
            $error !== 0 => [Outcome::Unavailable, "$this->base cannot be asked: " . self::printable($answer['message'])],
            $status === 429, $status >= 500 => [Outcome::Unavailable, "$this->base answers $status: $text"],
            $status === 403 && $said('type') === '/problems/forbidden' => [Outcome::Misconfigured, "Ocapi refuses the token (403: $detail): OCAPI_PRIVATE_ID is not, or no longer, a private id of client \"$this->clientId\" (OCAPI_CLIENT_ID), or this server's clock is wrong"],
            $status === 404 && $said('type') === '/problems/not-found' => str_contains($said('detail'), 'challenge')
                ? [Outcome::Unknown, '']
                : [Outcome::Misconfigured, "Ocapi at $this->base does not know client \"$this->clientId\" (404: $detail): OCAPI_CLIENT_ID or OCAPI_BASE_URL is wrong"],
            $status >= 300 && $status < 400 => [Outcome::Misconfigured, "$this->base redirects ($status) to " . self::printable($answer['location']) . ', which is not followed: set OCAPI_BASE_URL to where Ocapi is'],
            $status === 200 && $said('state') === 'validated' => [Outcome::Validated, ''],
            $status === 200 && $said('state') === 'rejected' => [Outcome::Rejected, ''],
            $status === 200 && $said('state') === 'created' => [Outcome::NotAnswered, ''],
            default => [Outcome::Misconfigured, "what answers at $this->base is not Ocapi (OCAPI_BASE_URL): status $status, $text"],
        };
    }

    /** Makes a line of what somebody else has written, fit for a log. */
    private static function printable(string $text): string
    {
        return preg_replace('/[^ -~]/', ' ', substr($text, 0, 200));
    }

    // The breaker keeps visitors from waiting for an Ocapi that does not answer. After enough failures in a
    // row it is open: nobody asks. Once the pause is over it lets one ask, and is closed by an answer.
    // PHP forgets everything between requests, so that it is kept in a small file under a lock.

    private function mayAsk(): bool
    {
        return $this->breaker(function (int $failures, float $until): array {
            $now = microtime(true);
            if ($failures < self::BREAKER_FAILURES) {
                return [true, null];
            }
            if ($until > $now && $until <= $now + self::BREAKER_PAUSE + 1) { // further off only where the clock was set back
                return [false, null];
            }
            return [true, [$failures, $now + self::BREAKER_PAUSE]]; // the others wait for what this one learns
        });
    }

    private function note(bool $answered): void
    {
        $this->breaker(fn (int $failures): array => [true, match (true) {
            !$answered => [$failures + 1, microtime(true) + self::BREAKER_PAUSE],
            $failures > 0 => [0, 0.0],
            default => null,
        }]);
    }

    /** @param callable(int, float): array{bool, ?array{int, float}} $change gives an answer, and what to keep unless that is null */
    private function breaker(callable $change): bool
    {
        $file = @fopen($this->stateFolder . '/breaker', 'c+');
        if ($file === false || !flock($file, LOCK_EX)) {
            error_log("ocapi: cannot write {$this->stateFolder}/breaker (OCAPI_STATE_DIR): every visitor waits while Ocapi does not answer");
            return true;
        }
        [$failures, $until] = explode(' ', (string) fread($file, 100)) + ['', ''];
        [$answer, $keep] = $change((int) $failures, (float) $until);
        if ($keep !== null) {
            rewind($file);
            ftruncate($file, 0);
            fwrite($file, sprintf('%d %.3F', ...$keep));
        }
        fclose($file); // ends the lock, too
        return $answer;
    }
}
