package challenges

import (
	"crypto/rand"
	"math/big"
	"slices"
	"strings"

	"ocapi/domain"
)

// dealtType is the type of images to deal to a client that wants one, or any: a
// zero type says that whatever there is will do. Error: CodeUnavailable.
func (s *Service) dealtType(client *domain.Client, wanted domain.ChallengeType) (domain.ChallengeType, error) {
	if wanted != domain.TypeInvalid {
		if !client.Serves(wanted) {
			return 0, domain.Unavailable("this client is not served challenges of the type "+wanted.String(), nil)
		}
		return wanted, nil
	}
	if len(client.Types) == 0 {
		return domain.TypeInvalid, nil
	}
	types, err := s.cfg.Composer.Servable(client)
	if err != nil {
		return 0, err
	}
	types = slices.DeleteFunc(slices.Clone(types), func(t domain.ChallengeType) bool { return !client.Serves(t) })
	if len(types) > 0 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(types))))
		if err != nil {
			return 0, err
		}
		return types[n.Int64()], nil
	}
	if slices.Equal(client.Types, []domain.ChallengeType{domain.TypeAudio}) {
		return domain.TypeAudio, nil
	}
	return 0, domain.Unavailable("no collection can serve a challenge of a type that this client is served", nil)
}

// spokenTo lists the languages of audio challenges that a client is served.
func (s *Service) spokenTo(client *domain.Client) []string {
	return slices.DeleteFunc(s.Languages(), func(tag string) bool { return !inLanguages(client.Languages, tag) })
}

// promptFor leaves the keyword in the client's languages; in all of them where
// the collection has none of those, for a prompt that people have to guess is
// better than none.
func promptFor(client *domain.Client, prompt map[string]string) map[string]string {
	if len(client.Languages) == 0 || len(prompt) == 0 {
		return prompt
	}
	left := map[string]string{}
	for tag, keyword := range prompt {
		if inLanguages(client.Languages, tag) {
			left[tag] = keyword
		}
	}
	if len(left) == 0 {
		return prompt
	}
	return left
}

// inLanguages reports whether a tag is of one of the languages, in whatever
// region; no languages are all.
func inLanguages(languages []string, tag string) bool {
	primary := func(tag string) string {
		first, _, _ := strings.Cut(tag, "-")
		return strings.ToLower(first)
	}
	return len(languages) == 0 || slices.ContainsFunc(languages, func(l string) bool { return primary(l) == primary(tag) })
}
