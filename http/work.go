package http

import (
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"ocapi/domain"
)

// maxProofBytes bounds a proof of work; ours have 90.
const maxProofBytes = 256

// workOf reads what a query says of proofs of work: that the payload can do
// one, and the one that it has done. Whether that is any good is the limiter's
// to say; only what can be none is refused here.
func workOf(query url.Values) (canProve bool, proof string, err error) {
	for _, field := range []string{"pow", "pow_solution"} {
		if n := len(query[field]); n > 1 {
			return false, "", domain.Invalid(field, "%s is given %d times", field, n)
		}
	}
	if given, ok := query["pow"]; ok && given[0] != "1" {
		return false, "", domain.Invalid("pow", "pow is %.40q; it is 1, or not there", given[0])
	}
	if given, ok := query["pow_solution"]; ok {
		if !wellFormedProof(given[0]) {
			return false, "", domain.Invalid("pow_solution", "pow_solution is not of the form token.counter")
		}
		proof = given[0]
	}
	return query.Has("pow"), proof, nil
}

// wellFormedProof reports whether a text is a token, a dot and a number.
func wellFormedProof(s string) bool {
	token, counter, ok := strings.Cut(s, ".")
	if !ok || token == "" || len(s) > maxProofBytes {
		return false
	}
	for _, r := range token {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	n, err := strconv.ParseUint(counter, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == counter
}

// appendWork appends a question for a browser.
func appendWork(b []byte, w *domain.Work) []byte {
	b = append(b, `{"algorithm":"`+domain.WorkAlgorithm+`","nonce":"`...)
	b = hex.AppendEncode(b, w.Nonce)
	b = append(b, `","salt":"`...)
	b = hex.AppendEncode(b, w.Salt)
	b = append(b, `","cost":`...)
	b = strconv.AppendInt(b, int64(w.Cost), 10)
	b = append(b, `,"key_length":`...)
	b = strconv.AppendInt(b, int64(w.KeyLength), 10)
	b = append(b, `,"key_prefix":"`...)
	b = hex.AppendEncode(b, w.KeyPrefix)
	b = append(b, `","max":`...)
	b = strconv.AppendInt(b, int64(w.Max), 10)
	b = append(b, `,"token":`...)
	b = appendString(b, w.Token)
	return append(b, '}')
}
