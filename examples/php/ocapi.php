<?php
declare(strict_types=1);

// The question that a website's server asks Ocapi: was this challenge solved?
// Take this file as it is; it needs PHP 8.2, and curl if there is any.

namespace Ocapi;

/** What a form is to be told. */
enum Verdict
{
    /** Solved, and not used before: let the person through. */
    case Passed;
    /** Not solved, not answered, not ours, or no challenge at all. */
    case NotSolved;
    /** Solved, but it has let somebody through already. */
    case Used;
    /** Ocapi could not be asked, or did not understand us: nobody knows. */
    case Unknown;
}

/** Why a verdict is Unknown. The message is for the log, not for visitors. */
final class Failure extends \RuntimeException
{
    /** @param bool $down Ocapi does not answer; otherwise the mistake is ours (a wrong private id, say). */
    public function __construct(string $message, public readonly bool $down)
    {
        parent::__construct($message);
    }
}

final class Challenges
{
    /** An answer takes less than 30 bytes. What is longer does not come from Ocapi. */
    private const LONGEST_ANSWER = 4096;
    /** No challenge has this id: asking for it finds out whether Ocapi is there. */
    private const NO_CHALLENGE = '00000000-0000-0000-0000-000000000000';

    /**
     * @param string   $address       Ocapi's base URL for this server, with or without a final slash
     * @param string[] $clientIds     the website's public ids: the main one first, then its aliases
     * @param string   $privateId     as it was printed, "ocapi_" included
     * @param string   $usedFolder    exists; only this website may write there, and no browser reads there
     * @param bool     $signAsForm    sign with the client id that the form carries, if it is one of ours
     * @param bool     $allowWhenDown let everybody through while Ocapi does not answer
     * @param float    $timeout       seconds that a visitor waits for Ocapi at most
     */
    public function __construct(
        private readonly string $address,
        private readonly array $clientIds,
        #[\SensitiveParameter] private readonly string $privateId,
        private readonly string $usedFolder,
        private readonly bool $signAsForm = false,
        private readonly bool $allowWhenDown = false,
        private readonly float $timeout = 5.0,
    ) {
    }

    /** The id of the challenge that a form brings, in lower case; "" if there is none that could be one. */
    public static function idIn(array $form): string
    {
        $id = strtolower(self::field($form, 'challenge-id'));
        // Ocapi reads ids in either case of letters, so that only one of them may be remembered as used.
        return preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/', $id) ? $id : '';
    }

    /** Says whether the person who sent a form ($_POST) is to be let through. Counts a challenge once. */
    public function verdict(array $form): Verdict
    {
        $id = self::idIn($form);
        $client = $this->clientIds[0];
        if ($this->signAsForm) {
            $client = self::field($form, 'client-id');
            // The field comes from the browser, where anybody may write anything into it.
            if ($id !== '' && !in_array($client, $this->clientIds, true)) {
                return Verdict::NotSolved;
            }
        }
        try {
            if ($id === '') {
                // No challenge is no way in. But where Ocapi is down no page can have one, and whoever wants
                // everybody let through then has to find out whether it is.
                if ($this->allowWhenDown) {
                    $this->state(self::NO_CHALLENGE, $this->clientIds[0]);
                }
                return Verdict::NotSolved;
            }
            if ($this->state($id, $client) !== 'validated') {
                return Verdict::NotSolved;
            }
            return $this->firstUse($id) ? Verdict::Passed : Verdict::Used;
        } catch (Failure $failure) {
            error_log('ocapi: challenge ' . ($id ?: '(none)') . ': ' . $failure->getMessage());
            return $failure->down && $this->allowWhenDown ? Verdict::Passed : Verdict::Unknown;
        }
    }

    /** The token that says who asks: a JWT, signed with HS512 by the private id as it is printed. */
    public function token(string $clientId): string
    {
        $base64 = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        $token = $base64(json_encode(['typ' => 'JWT', 'alg' => 'HS512'], JSON_THROW_ON_ERROR))
            . '.' . $base64(json_encode(['client_id' => $clientId, 'exp' => time() + 60], JSON_THROW_ON_ERROR));
        return $token . '.' . $base64(hash_hmac('sha512', $token, $this->privateId, true));
    }

    /**
     * Asks for a challenge's state: "created", "validated", "rejected", or "" where there is no such challenge.
     *
     * @throws Failure
     */
    private function state(string $id, string $clientId): string
    {
        $url = rtrim($this->address, '/') . '/state/' . rawurlencode($clientId) . '/' . $id;
        $headers = ['Authorization: ' . $this->token($clientId), 'Accept: application/json'];
        [$status, $body] = function_exists('curl_init') ? $this->curl($url, $headers) : $this->stream($url, $headers);
        if ($status === 404) {
            return ''; // also: there is no such client, which nothing but another configuration changes
        }
        if ($status !== 200) {
            throw new Failure("the answer has status $status: " . substr($body, 0, 300), $status === 429 || $status >= 500);
        }
        $state = json_decode($body, true)['state'] ?? null;
        if (!is_string($state)) {
            throw new Failure('the answer is not what Ocapi says: ' . substr($body, 0, 300), false);
        }
        return $state;
    }

    /** @return array{int, string} status and body */
    private function curl(string $url, array $headers): array
    {
        $body = '';
        $curl = curl_init($url);
        curl_setopt_array($curl, [
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_TIMEOUT_MS => (int) ($this->timeout * 1000),
            CURLOPT_NOSIGNAL => true, // otherwise a timeout below one second is one at once
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_WRITEFUNCTION => function ($curl, string $part) use (&$body): int {
                $body .= $part;
                return strlen($body) > self::LONGEST_ANSWER ? -1 : strlen($part);
            },
        ]);
        if (curl_exec($curl) === false) {
            throw new Failure(curl_error($curl), true);
        }
        return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $body];
    }

    /**
     * The same without curl. Here the timeout holds for each read, not for the whole.
     *
     * @return array{int, string}
     */
    private function stream(string $url, array $headers): array
    {
        $context = stream_context_create(['http' => [
            'header' => $headers,
            'timeout' => $this->timeout,
            'ignore_errors' => true, // the body of a refusal says why
            'follow_location' => 0,
        ]]);
        $body = @file_get_contents($url, false, $context, 0, self::LONGEST_ANSWER);
        if ($body === false || !preg_match('~^HTTP/\S+ (\d{3})~', $http_response_header[0] ?? '', $found)) {
            throw new Failure(error_get_last()['message'] ?? 'there is no answer', true);
        }
        return [(int) $found[1], $body];
    }

    /**
     * Remembers a challenge as used; false where it was already. Ocapi goes on calling a solved challenge
     * solved, so that letting each count once is the website's business. An empty file for each, made in
     * one step that fails where it exists, does that also for requests at the same moment. A website with
     * a database keeps the ids there, in a column that is unique.
     *
     * @throws Failure
     */
    private function firstUse(string $id): bool
    {
        $file = @fopen($this->usedFolder . '/' . $id, 'x');
        if ($file !== false) {
            fclose($file);
            return true;
        }
        if (is_file($this->usedFolder . '/' . $id)) {
            return false;
        }
        throw new Failure("cannot write in {$this->usedFolder}", false);
    }

    /** A field by its name of today, else by that of the first releases. */
    private static function field(array $form, string $name): string
    {
        foreach (['ocapi-', 'captchan-'] as $brand) {
            $value = $form[$brand . $name] ?? '';
            if (is_string($value) && trim($value) !== '') {
                return trim($value);
            }
        }
        return '';
    }
}
