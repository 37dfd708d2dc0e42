package clients

import (
	"fmt"

	"ocapi/domain"
)

// lostSecret is a private id that cannot be opened, and why.
type lostSecret struct {
	client   domain.ClientID
	secretID string
	err      error
}

func (l lostSecret) same(other lostSecret) bool {
	return l.client == other.client && l.secretID == other.secretID
}

// key gives a private id as the snapshot has it.
func (s *snapshot) key(client domain.ClientID, secretID string) (string, bool) {
	c := s.bySecret[secretID]
	if c == nil || c.ID != client {
		return "", false
	}
	for i := range c.Secrets {
		if c.Secrets[i].ID == secretID && c.Secrets[i].Key != "" {
			return c.Secrets[i].Key, true
		}
	}
	return "", false
}

// LostKeyError says that live private ids are in the database whose key is not
// among those that were given: nobody who has one of them could use the service.
type LostKeyError struct {
	Client   domain.ClientID // of the first of them
	SecretID string
	More     int // how many others there are
	Err      error
}

// Error says what is wrong and both ways out.
func (e *LostKeyError) Error() string {
	others := ""
	if e.More > 0 {
		others = fmt.Sprintf(" (and %d others)", e.More)
	}
	return fmt.Sprintf("the private id %s of the client %s%s cannot be opened: %v. Give the key again (--secrets-key-file, OCAPI_SECRETS_KEY_FILE or OCAPI_SECRETS_KEY). If it is lost, every client concerned needs a new private id: ocapi client rotate %s --overlap 0s",
		e.SecretID, e.Client, others, e.Err, e.Client)
}

// Unwrap gives the reason for the first.
func (e *LostKeyError) Unwrap() error { return e.Err }
