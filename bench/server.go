//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// measureServer loads running servers beside a bare handler.
func measureServer(ctx context.Context, r *run) (result, error) {
	b, err := prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	defer b.abandon()
	if err := b.run(ctx, r.progress); err != nil {
		return nil, err
	}
	if r.profile != "" {
		if err := b.profiles(ctx, r.profile); err != nil {
			return nil, err
		}
		r.progress("profiles are in %s", r.profile)
	}
	err = b.finish(ctx)
	return b, errors.Join(append(b.failures, err, differences(b.Audits))...)
}

// prepare fills and starts all that is measured.
func prepare(ctx context.Context, r *run) (_ *bench, err error) {
	folder, binary, progress := r.folder, r.binary, r.progress
	b := &bench{limit: r.limit, rounds: r.rounds, folder: folder}
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
		server     **ocapi
	}{{"fsync", &b.fsync}, {"interval", &b.interval}} {
		data := filepath.Join(folder, d.durability)
		if err := os.CopyFS(data, os.DirFS(fresh)); err != nil {
			return nil, fmt.Errorf("copy the data folder: %w", err)
		}
		if *d.server, err = startOcapi(ctx, binary, data, d.durability); err != nil {
			return nil, err
		}
		(*d.server).secret = secret
	}
	samples := filepath.Join(folder, "samples")
	if err := sample(ctx, b.fsync, samples); err != nil {
		return nil, fmt.Errorf("fetch samples: %w", err)
	}
	if b.bare, err = startBare(ctx, samples); err != nil {
		return nil, err
	}
	progress("started ocapi with fsync on %s, with interval on %s, and the bare handler on %s", b.fsync.addr, b.interval.addr, b.bare.addr)
	return b, nil
}

// freshData gives a data folder with the collection and the client, to be copied,
// and the client's private id. The first part that wants it makes it.
func freshData(ctx context.Context, r *run) (data, secret string, err error) {
	at := filepath.Join(filepath.Dir(r.folder), "fresh")
	data, issued := filepath.Join(at, "data"), filepath.Join(at, "secret")
	if said, err := os.ReadFile(issued); err == nil {
		return data, string(said), nil
	}
	if err := os.RemoveAll(at); err != nil { // a part may have failed half-way
		return "", "", fmt.Errorf("make the data folder anew: %w", err)
	}
	collection := filepath.Join(at, "collection")
	if err := writeCollection(collection); err != nil {
		return "", "", err
	}
	if secret, err = prepareData(ctx, r.binary, data, collection); err != nil {
		return "", "", err
	}
	r.progress("imported the collection")
	return data, secret, os.WriteFile(issued, []byte(secret), 0o600)
}

// abandon ends what still runs, whatever happened.
func (b *bench) abandon() {
	for _, p := range []*process{b.bare, processOf(b.fsync), processOf(b.interval)} {
		if p != nil {
			_ = p.cmd.Process.Kill() // it has ended already, as a rule
		}
	}
}

func processOf(s *ocapi) *process {
	if s == nil {
		return nil
	}
	return s.process
}
