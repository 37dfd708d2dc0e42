//go:build linux

package faults

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"ocapi/domain"
	"ocapi/eventstore"
)

// fillLog fills the stream while PostgreSQL is away. Visitors who have a
// challenge already can answer it; nobody gets a new one. The way out is a
// larger log: what is in it is too young to be trimmed.
func (topo *topology) fillLog() scenario {
	return scenario{
		name: "the stream full", short: 3 * time.Second, long: 10 * time.Second,
		do: func(ctx context.Context, r *run, lasts time.Duration) error {
			if err := topo.Postgres.Stop(ctx); err != nil {
				return err
			}
			var waiting []challenge
			for node := range topo.Nodes {
				for range 20 {
					if c, ok := r.visitors.create(node, "transcription"); ok {
						waiting = append(waiting, c)
					}
				}
			}
			if len(waiting) != 20*len(topo.Nodes) {
				return fmt.Errorf("%d challenges were handed out before the log was full", len(waiting))
			}
			if err := topo.fill(ctx); err != nil {
				return err
			}
			if err := until(ctx, recoverPatience, "creations to be refused", func(context.Context) error {
				for node := range topo.Nodes {
					if _, ok := r.visitors.create(node, "transcription"); ok {
						return fmt.Errorf("node %d hands out challenges", node)
					}
				}
				return nil
			}); err != nil {
				return err
			}
			for i, c := range waiting {
				// On the other node, where nothing of it is in memory by chance.
				if !r.visitors.answer(i%len(topo.Nodes), c, wrong(c), domain.StatusRejected) {
					return fmt.Errorf("an answer to a challenge that was handed out is not accepted by node %d", i%len(topo.Nodes))
				}
			}
			r.note("%d answers accepted meanwhile", len(waiting))
			pause(ctx, lasts)
			if err := topo.Postgres.Start(ctx); err != nil {
				return err
			}
			topo.env[settingLogMaxBytes] = fmt.Sprintf("OCAPI_LOG_MAX_BYTES=%d", largeLog)
			r.over(ctx)
			return topo.restartNodes(ctx, r)
		},
	}
}

// restartNodes restarts one node after the other, as for new settings.
func (topo *topology) restartNodes(ctx context.Context, r *run) error {
	for i, n := range topo.Nodes {
		end := r.book.mayCut(i)
		err := n.Stop(ctx)
		if err == nil {
			err = n.Start(ctx)
		}
		end()
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	// fillTo is where filling ends: above the 90 % at which creations are refused,
	// with room for answers.
	fillTo = 0.92
	// fillBytes is the size of one event, near the largest that there may be.
	fillBytes = 60_000
	// filler is the website that they belong to. Visitors know nothing of it.
	filler = "filler"
)

// fill publishes events as a node would, as large as they may be.
func (topo *topology) fill(ctx context.Context) error {
	credit := strings.Repeat("x", fillBytes)
	for {
		info, err := topo.stream(ctx)
		if err != nil {
			return err
		}
		room := fillTo*float64(info.Config.MaxBytes) - float64(info.State.Bytes)
		if room <= 0 {
			return nil
		}
		for range min(int(room/fillBytes)+1, 50) {
			if err := topo.publish(ctx, fillEvent(credit)); err != nil {
				return fmt.Errorf("fill the log: %w", err)
			}
		}
	}
}

func fillEvent(credit string) *domain.ChallengeCreated {
	now := domain.Moment(time.Now())
	return &domain.ChallengeCreated{
		Header: domain.Header{
			ID: domain.EventID{UUID: domain.UUID(uuid.Must(uuid.NewV7()))}, Challenge: domain.ChallengeID{UUID: domain.UUID(uuid.New())},
			Client: filler, At: now,
		},
		Type: domain.TypeTranscription, Credit: credit,
		Positions: []domain.Position{
			{Image: "k", Collection: collectionName, Role: domain.RoleKnown, Expected: domain.Truth{Kind: domain.TruthText, Text: "word"}, Trust: domain.TrustImported},
			{Image: "u", Collection: collectionName, Role: domain.RoleUnknown},
		},
		Mix: domain.Mix{Texts: 1, Unknown: 1}, ExpiresAt: now.Add(domain.Lifetime),
	}
}

func (topo *topology) publish(ctx context.Context, e domain.Event) error {
	data, err := eventstore.EncodeEvent(nil, e)
	if err != nil {
		return err
	}
	h := e.Head()
	_, err = topo.js.PublishMsg(ctx, &nats.Msg{
		Subject: "challenge." + string(h.Client) + "." + h.Challenge.String(), Data: data,
		Header: nats.Header{jetstream.ExpectedLastSubjSeqHeader: {strconv.Itoa(0)}},
	})
	return err
}
