package node

import (
	"bytes"
	"context"
	"fmt"
	"image/jpeg"
	"sync"

	"ocapi/challenges"
	"ocapi/corpus/demo"
	"ocapi/domain"
	apihttp "ocapi/http"
)

// doors leads test clients to the rehearsal and all others to the service.
type doors struct {
	service   *challenges.Service
	rehearsal *challenges.Rehearsal
}

var _ apihttp.Challenges = doors{}

// challenges gives what serves all clients that there may be.
func (n *node) challenges(service *challenges.Service) apihttp.Challenges {
	if !n.cfg.TestClients {
		return service
	}
	return doors{service, challenges.NewRehearsal(rehearsedPicture, n.env.Clock())}
}

func (d doors) of(client *domain.Client) apihttp.Challenges {
	if client.Rehearsal != domain.StatusNone {
		return d.rehearsal
	}
	return d.service
}

// Issue implements apihttp.Challenges, as the others do.
func (d doors) Issue(ctx context.Context, c *domain.Client, wanted domain.Request) (domain.ChallengeView, error) {
	return d.of(c).Issue(ctx, c, wanted)
}

func (d doors) View(ctx context.Context, c *domain.Client, id domain.ChallengeID) (domain.ChallengeView, error) {
	return d.of(c).View(ctx, c, id)
}

func (d doors) Serves(c *domain.Client, t domain.ChallengeType) bool { return d.of(c).Serves(c, t) }

func (d doors) Answer(ctx context.Context, c *domain.Client, id domain.ChallengeID, a domain.Answer) (domain.AnswerOutcome, error) {
	return d.of(c).Answer(ctx, c, id, a)
}

func (d doors) Picture(ctx context.Context, c *domain.Client, id domain.ChallengeID, position int) (domain.Picture, error) {
	return d.of(c).Picture(ctx, c, id, position)
}

func (d doors) Sound(ctx context.Context, c *domain.Client, id domain.ChallengeID, slow bool) (domain.Sound, error) {
	return d.of(c).Sound(ctx, c, id, slow)
}

func (d doors) Status(ctx context.Context, c *domain.Client, id domain.ChallengeID) (domain.Status, error) {
	return d.of(c).Status(ctx, c, id)
}

func (d doors) Consume(ctx context.Context, c *domain.Client, id domain.ChallengeID, key domain.IdempotencyKey) (domain.Consumption, error) {
	return d.of(c).Consume(ctx, c, id, key)
}

// rehearsedPicture is drawn, and of no collection: what is shown here is counted
// nowhere.
func rehearsedPicture(t domain.ChallengeType, position int) domain.Picture {
	pictures := rehearsedPictures()[t]
	return domain.Picture{Bytes: pictures[position%len(pictures)], ContentType: "image/jpeg"}
}

// rehearsedPictures are drawn when somebody looks at the first of them.
var rehearsedPictures = sync.OnceValue(func() map[domain.ChallengeType][][]byte {
	draw := func(s demo.Spec) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, demo.Draw(demoSeed, s), nil); err != nil {
			panic(err) // a picture in memory, of a size that the package chose
		}
		return b.Bytes()
	}
	pictures := map[domain.ChallengeType][][]byte{}
	for i, word := range []string{"essai", "probe"} {
		id := fmt.Sprintf("%032x", i)
		pictures[domain.TypeTranscription] = append(pictures[domain.TypeTranscription],
			draw(demo.Spec{ID: id, Document: id, Kind: demo.KindTranscription, Text: word}))
	}
	for i, k := range demo.Keywords()[:3] {
		id := fmt.Sprintf("%032x", 16+i)
		pictures[domain.TypeClassification] = append(pictures[domain.TypeClassification],
			draw(demo.Spec{ID: id, Document: id, Kind: demo.KindClassification, Keyword: k.ID}))
	}
	return pictures
})
