package voices_test

import (
	"bytes"
	"math"
	"testing"

	"ocapi/voices"
)

func TestPack(t *testing.T) {
	t.Parallel()
	var clips []voices.Clip
	for i, symbol := range []string{"7", "k", "forêt"} {
		for _, speaker := range []string{"anna", "jean"} {
			samples, err := voices.Prepare(good(7*i + len(speaker)).wav())
			if err != nil {
				t.Fatal(err)
			}
			clips = append(clips, voices.Clip{Symbol: symbol, Speaker: speaker, Samples: samples[:len(samples)-i]})
		}
	}
	pack := voices.Pack("a maker", clips)
	if again := voices.Pack("a maker", clips); !bytes.Equal(pack, again) {
		t.Error("the same clips give other bytes")
	}
	maker, got, err := voices.Unpack(pack)
	if err != nil || maker != "a maker" || len(got) != len(clips) {
		t.Fatalf("%d clips by %q, %v", len(got), maker, err)
	}
	for i, c := range got {
		if c.Symbol != clips[i].Symbol || c.Speaker != clips[i].Speaker || len(c.Samples) != len(clips[i].Samples) {
			t.Fatalf("clip %d is %s by %s, %d samples", i, c.Symbol, c.Speaker, len(c.Samples))
		}
		// Four bits a sample cost some noise: it is 20 dB below the sound at least.
		signal, noise := 0.0, 0.0
		for j, v := range clips[i].Samples {
			signal += float64(v) * float64(v)
			noise += math.Pow(float64(v)-float64(c.Samples[j]), 2)
		}
		if ratio := 10 * math.Log10(signal/noise); ratio < 20 {
			t.Errorf("clip %d came back with its noise %.1f dB below it", i, ratio)
		}
	}
	for n := range pack {
		if _, _, err := voices.Unpack(pack[:n]); err == nil {
			t.Errorf("a pack that ends after %d of %d bytes was taken", n, len(pack))
		}
	}
	if _, _, err := voices.Unpack(append(bytes.Clone(pack), 0)); err == nil {
		t.Error("a pack with something behind it was taken")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(voices.Pack("m", []voices.Clip{{Symbol: "7", Speaker: "a", Samples: []int16{1, 20, -300}}}))
	f.Add([]byte("ocapi voices 1\n\x00\x00\x01\x01a\x00\x03ab"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _, _ = voices.Unpack(data) })
}
