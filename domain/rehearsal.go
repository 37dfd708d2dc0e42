package domain

import "time"

// TestClient is a client for partners' own tests. What its challenges come to is
// fixed, whatever is answered, and everybody may know its private id. Nothing of
// it is kept: no event, no vote, no count.
type TestClient struct {
	ID       ClientID
	SecretID string
	Key      string // the printed form of the private id
	Outcome  Status
}

// The random part of the private ids is nothing but long: 64 bytes, as every
// private id has, so that no library finds it too short for HS512.
const testKeyTail = "this-is-a-documented-private-id-for-tests-and-protects-nothing-at-all-AAAAAAAAAAAAAAAA"

// TestClients lists the test clients. Their names are taken, whether they are
// served or not. The private ids are in the guide for websites, for ever.
func TestClients() []TestClient {
	return []TestClient{
		{"ocapi-test-validated", "testpass", "ocapi_testpass_" + testKeyTail, StatusValidated},
		{"ocapi-test-rejected", "testfail", "ocapi_testfail_" + testKeyTail, StatusRejected},
		{"ocapi-test-created", "testopen", "ocapi_testopen_" + testKeyTail, StatusCreated},
	}
}

// Client gives the client as a registry has it.
func (t TestClient) Client() *Client {
	return &Client{
		ID: t.ID, Secrets: []Secret{{ID: t.SecretID, Key: t.Key}}, SiteVerify: true, Rehearsal: t.Outcome,
	}
}

// Rehearse gives what an attempt to consume a challenge of a test client comes
// to. It may be repeated.
func (c *Client) Rehearse(now time.Time) Consumption {
	switch c.Rehearsal {
	case StatusValidated:
		return Consumption{ConsumptionDone, Moment(now)}
	case StatusRejected:
		return Consumption{Outcome: ConsumptionRejected}
	case StatusCreated:
		return Consumption{Outcome: ConsumptionPending}
	case StatusNone:
	}
	return Consumption{Outcome: ConsumptionUnknown}
}
