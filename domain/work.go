package domain

// WorkAlgorithm is the one kind of work that is asked for.
const WorkAlgorithm = "PBKDF2/SHA-256"

// Work is a proof of work as a browser is asked for it: to find the counter c
// from 0 to Max for which PBKDF2 (RFC 8018) with HMAC-SHA-256, the password
// Nonce followed by c as four bytes, big-endian, the salt Salt, Cost iterations
// and KeyLength bytes gives a key that begins with KeyPrefix. There is exactly
// one, up to chance. It is shown as "<Token>.<c>".
type Work struct {
	Nonce     []byte
	Salt      []byte
	Cost      int // iterations of one derivation
	KeyLength int // bytes
	KeyPrefix []byte
	Max       int
	Token     string // opaque to the browser; letters, digits, '-' and '_'
}

// Iterations is the most that solving it takes. On average it takes half.
func (w *Work) Iterations() int { return w.Cost * (w.Max + 1) }
