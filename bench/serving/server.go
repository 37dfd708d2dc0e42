//go:build linux

// Package serving has the parts that load a server over HTTP: ocapi beside a bare
// handler and beside what a site might run instead, in a closed and in an open loop,
// full rounds under a profile, partners' tokens, two nodes, and the ratios that must
// not become worse.
package serving

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"ocapi/bench/part"
	"ocapi/bench/service"
)

// MeasureServer loads running servers beside a bare handler.
func MeasureServer(ctx context.Context, r *part.Run) (part.Result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	if err := b.run(ctx, r.Progress); err != nil {
		return nil, err
	}
	if r.Profile != "" {
		if err := b.profiles(ctx, r.Profile); err != nil {
			return nil, err
		}
		r.Progress("profiles are in %s", r.Profile)
	}
	err = b.finish(ctx)
	return b, errors.Join(append(b.failures, err, service.Differences(b.Audits))...)
}

// prepare fills and starts all that is measured.
func prepare(ctx context.Context, r *part.Run) (_ *bench, err error) {
	folder, binary, progress := r.Folder, r.Binary, r.Progress
	b := &bench{limit: r.Limit, rounds: r.Rounds, folder: folder}
	defer func() {
		if err != nil {
			b.abandon()
		}
	}()
	fresh, secret, err := freshData(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, d := range []struct {
		durability string
		server     **service.Ocapi
	}{{"fsync", &b.fsync}, {"interval", &b.interval}} {
		data := filepath.Join(folder, d.durability)
		if err := os.CopyFS(data, os.DirFS(fresh)); err != nil {
			return nil, fmt.Errorf("copy the data folder: %w", err)
		}
		if *d.server, err = service.StartOcapi(ctx, binary, data, d.durability); err != nil {
			return nil, err
		}
		(*d.server).Secret = secret
	}
	samples := filepath.Join(folder, "samples")
	if err := sample(ctx, b.fsync, samples); err != nil {
		return nil, fmt.Errorf("fetch samples: %w", err)
	}
	if b.bare, err = service.StartBare(ctx, samples); err != nil {
		return nil, err
	}
	progress("started ocapi with fsync on %s, with interval on %s, and the bare handler on %s", b.fsync.Addr, b.interval.Addr, b.bare.Addr)
	return b, nil
}

// freshData gives a data folder with the collection and the client, to be copied,
// and the client's private id. The first part that wants it makes it.
func freshData(ctx context.Context, r *part.Run) (data, secret string, err error) {
	at := filepath.Join(filepath.Dir(r.Folder), "fresh")
	data, issued := filepath.Join(at, "data"), filepath.Join(at, "secret")
	if said, err := os.ReadFile(issued); err == nil {
		return data, string(said), nil
	}
	if err := os.RemoveAll(at); err != nil { // a part may have failed half-way
		return "", "", fmt.Errorf("make the data folder anew: %w", err)
	}
	collection := filepath.Join(at, "collection")
	if err := service.WriteCollection(collection); err != nil {
		return "", "", err
	}
	if secret, err = service.PrepareData(ctx, r.Binary, data, collection); err != nil {
		return "", "", err
	}
	r.Progress("imported the collection")
	return data, secret, os.WriteFile(issued, []byte(secret), 0o600)
}

// abandon ends what still runs, whatever happened.
func (b *bench) abandon() {
	for _, p := range []*service.Process{b.bare, processOf(b.fsync), processOf(b.interval)} {
		if p != nil {
			_ = p.Cmd.Process.Kill() // it has ended already, as a rule
		}
	}
}

func processOf(s *service.Ocapi) *service.Process {
	if s == nil {
		return nil
	}
	return s.Process
}
