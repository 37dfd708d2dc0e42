package voices_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ocapi/voices"
)

// tone is a WAV file of a tone between silences; the tone differs by what is
// said, so that no two files are alike.
type tone struct {
	rate, channels, bits int
	hertz, seconds, loud float64
	format               uint16
}

func (o tone) wav() []byte {
	le := binary.LittleEndian
	var body []byte
	quiet := o.rate / 4
	n := int(o.seconds * float64(o.rate))
	for i := range n + 2*quiet {
		v := 0.0
		if at := i - quiet; at >= 0 && at < n {
			v = o.loud * math.Sin(2*math.Pi*o.hertz*float64(at)/float64(o.rate))
		}
		for range o.channels {
			switch o.bits {
			case 8:
				body = append(body, byte(128+127*v))
			case 16:
				body = le.AppendUint16(body, uint16(int16(v*32767)))
			case 24:
				s := int32(v * 8388607)
				body = append(body, byte(s), byte(s>>8), byte(s>>16))
			case 32:
				body = le.AppendUint32(body, uint32(int32(v*2147483647)))
			}
		}
	}
	b := append([]byte("RIFF\xff\xff\xff\xffWAVELIST\x03\x00\x00\x00abc\x00fmt "), 16, 0, 0, 0)
	b = le.AppendUint16(b, o.format)
	b = le.AppendUint16(b, uint16(o.channels))
	b = le.AppendUint32(b, uint32(o.rate))
	b = le.AppendUint32(b, uint32(o.rate*o.channels*o.bits/8))
	b = le.AppendUint16(b, uint16(o.channels*o.bits/8))
	b = le.AppendUint16(b, uint16(o.bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, 0xffffffff) // as written to a pipe
	return append(b, body...)
}

// good is a recording that nothing is wrong with.
func good(i int) tone {
	return tone{rate: 11025, channels: 1, bits: 16, hertz: 200 + 40*float64(i), seconds: 0.5, loud: 0.4, format: 1}
}

const (
	germanSigns = "0 1 2 3 4 5 6 7 8 9 h k l q r w x y"
	germanWords = "Garten Fenster Vogel Zitrone"
)

// folderOf writes recordings of symbols, and other files.
func folderOf(t *testing.T, symbols string, others map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for i, s := range strings.Fields(symbols) {
		write(t, filepath.Join(dir, s+".wav"), good(i).wav())
	}
	for name, text := range others {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	t.Parallel()
	german := folderOf(t, germanSigns+" "+germanWords, map[string]string{
		"README.md": "not a recording", "credit.txt": " Stimmen: Stadtarchiv Köln, CC BY 4.0\n", "notes/a.mp3": "in a folder below",
	})
	v := open(t, "de="+german, "")
	if got := len(v.Alphabets()); got != 3 {
		t.Errorf("%d languages", got)
	}
	a := alphabet(t, v, "de")
	if want := strings.Fields(germanSigns + " fenster garten vogel zitrone"); !slices.Equal(a.Symbols(), want) {
		t.Errorf("%v is asked, want %v", a.Symbols(), want)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	if c := a.Compose(rng); c.Credit != "Stimmen: Stadtarchiv Köln, CC BY 4.0" || c.Language != "de" {
		t.Errorf("composed %+v", c)
	}
	speech := compose(a, rng)
	first, err := v.Speak(t.Context(), speech)
	if err != nil {
		t.Fatal(err)
	}
	if h := decode(t, first.Bytes); h.seconds() < 6 || h.level(0, h.seconds()) < 500 {
		t.Errorf("%v lasts %.1f s at the level %.0f", speech, h.seconds(), h.level(0, h.seconds()))
	}

	// A folder of folders, one of which takes the place of a language; the same
	// recordings under other paths are the same sounds.
	root := t.TempDir()
	if err := os.Rename(german, filepath.Join(root, "de")); err != nil {
		t.Fatal(err)
	}
	for i, s := range strings.Fields(germanSigns) {
		for take, speaker := range []string{"anna", "jean"} {
			kind := map[bool]string{true: "digit-", false: "letter-"}[s < "a"]
			write(t, filepath.Join(root, "fr", kind+strings.ToUpper(s)+"_"+speaker+"_1.WAV"), good(2*i+take).wav())
		}
	}
	again := open(t, root)
	if b, err := again.Speak(t.Context(), speech); err != nil || !bytes.Equal(first.Bytes, b.Bytes) {
		t.Errorf("the same recordings elsewhere make another sound (%v)", err)
	}
	if b := alphabet(t, again, "de"); b.Voices() != a.Voices() {
		t.Errorf("they are named %s and %s", a.Voices(), b.Voices())
	}
	french := voices.Recorded(again, "fr")
	if len(french) != 2 || len(french["anna"]) != 18 || len(alphabet(t, again, "fr").Symbols()) != 16 { // 1 and x are not asked
		t.Errorf("French is %v", french)
	}
}

// TestOneSpeaker has a challenge said by somebody who recorded all of it, where
// there is one.
func TestOneSpeaker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, s := range strings.Fields(germanSigns) {
		write(t, filepath.Join(dir, s+"_all.wav"), good(0).wav())
		if i%2 == 0 {
			write(t, filepath.Join(dir, s+"_some.wav"), good(30).wav())
		}
	}
	v := open(t, "de="+dir)
	if err := os.Remove(filepath.Join(dir, "3_all.wav")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "3_third.wav"), good(31).wav())
	torn := open(t, "de="+dir)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		speech := compose(alphabet(t, v, "de"), rng)
		for _, who := range voices.Cast(v, speech) {
			if who != "all" {
				t.Errorf("%v is said by %v", speech, voices.Cast(v, speech))
			}
		}
		if slices.Contains(speech.Symbols, "3") {
			if cast := voices.Cast(torn, speech); !slices.Contains(cast, "third") {
				t.Errorf("what only one has recorded is said by %v", cast)
			}
		}
		if _, err := torn.Speak(t.Context(), speech); err != nil {
			t.Error(err)
		}
	}
}

func TestFolderRefusals(t *testing.T) {
	t.Parallel()
	with := func(name string, o tone) string {
		dir := folderOf(t, germanSigns+" "+germanWords, nil)
		write(t, filepath.Join(dir, name), o.wav())
		return "de=" + dir
	}
	change := func(f func(*tone)) tone { o := good(3); f(&o); return o }
	for name, tt := range map[string]struct {
		folder string
		says   []string
	}{
		"no folder":            {"de=/nonexistent-voices", []string{"/nonexistent-voices"}},
		"no folder of many":    {"/nonexistent-voices", []string{"/nonexistent-voices"}},
		"no recordings":        {"de=" + folderOf(t, "", map[string]string{"README.md": ""}), []string{"no recordings", ".wav"}},
		"no language":          {folderOf(t, "7", nil), []string{"in which language", "fr="}},
		"no languages":         {folderOf(t, "", map[string]string{"not a tag/7.wav": ""}), []string{"no folder that is named for a language"}},
		"no tag":               {"deutsch!=" + t.TempDir(), []string{`"deutsch!"`, "tag"}},
		"digits only":          {"en=" + folderOf(t, "0 1 2 3 4 5 6 7 8 9", nil), []string{"digits only", "letters or words"}},
		"too few":              {"de=" + folderOf(t, "0 1 2 h k l", nil), []string{"bits", "h k l q r w x y"}},
		"words too near":       {"de=" + folderOf(t, germanSigns+" Garten Karten", nil), []string{`"garten"`, `"karten"`}},
		"another format":       {"de=" + folderOf(t, germanSigns, map[string]string{"a.mp3": "x"}), []string{"a.mp3", "convert it"}},
		"no symbol":            {with("hello world.wav", good(1)), []string{"hello world.wav", "' '"}},
		"a name with a dash":   {with("number-7.wav", good(1)), []string{"number-7.wav", "'-'"}},
		"a name of many parts": {with("7_a_1_x.wav", good(1)), []string{"7_a_1_x.wav", "SYMBOL_SPEAKER_TAKE"}},
		"a name without any":   {with("_a_1.wav", good(1)), []string{"_a_1.wav", "no symbol"}},
		"silence":              {with("7_b.wav", change(func(o *tone) { o.loud = 0 })), []string{"7_b.wav", "nothing is heard"}},
		"a click":              {with("7_b.wav", change(func(o *tone) { o.seconds = 0.03 })), []string{"7_b.wav", "ms only"}},
		"a speech":             {with("7_b.wav", change(func(o *tone) { o.seconds = 3 })), []string{"7_b.wav", "seconds"}},
		"a long file":          {with("7_b.wav", change(func(o *tone) { o.seconds = 11 })), []string{"7_b.wav", "at most 10"}},
		"floating point":       {with("7_b.wav", change(func(o *tone) { o.format = 3 })), []string{"7_b.wav", "format 3"}},
		"many channels":        {with("7_b.wav", change(func(o *tone) { o.channels = 6 })), []string{"7_b.wav", "6 channels"}},
		"odd bits":             {with("7_b.wav", change(func(o *tone) { o.bits = 12 })), []string{"7_b.wav", "12 bits"}},
		"a low rate":           {with("7_b.wav", change(func(o *tone) { o.rate = 4000 })), []string{"7_b.wav", "4000 samples"}},
		"no WAV":               {"de=" + folderOf(t, germanSigns, map[string]string{"7_b.wav": "ID3"}), []string{"7_b.wav", "no WAV file"}},
		"a WAV without format": {"de=" + folderOf(t, germanSigns, map[string]string{"7_b.wav": "RIFF\x04\x00\x00\x00WAVE"}), []string{"7_b.wav", "its format"}},
		"a credit of lines":    {"de=" + folderOf(t, germanSigns, map[string]string{"credit.txt": "a\nb"}), []string{"credit.txt", "one line"}},
		"a long credit":        {"de=" + folderOf(t, germanSigns, map[string]string{"credit.txt": strings.Repeat("x", 201)}), []string{"credit.txt", "200"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := voices.Open([]string{tt.folder})
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%v does not say %q", err, says)
				}
			}
		})
	}
}

// TestPrepare reads the same tone in every form that is read, and finds it as
// long, as loud and as high.
func TestPrepare(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 11025, 16000, 22050, 44100, 48000, 96000} {
		for _, bits := range []int{8, 16, 24, 32} {
			if bits != 16 && rate != 22050 {
				continue
			}
			o := tone{rate: rate, channels: 1 + bits/16%2, bits: bits, hertz: 440, seconds: 0.5, loud: 0.3, format: 1}
			got, err := voices.Prepare(o.wav())
			if err != nil {
				t.Errorf("%d Hz, %d bits: %v", rate, bits, err)
				continue
			}
			h := heard{rate: 11025, samples: got}
			crossings := 0
			for i := 1000; i < 5000; i++ { // away from its ends
				if got[i-1] < 0 && got[i] >= 0 {
					crossings++
				}
			}
			if s := h.seconds(); s < 0.5 || s > 0.62 || math.Abs(h.level(0.1, 0.4)-2600) > 100 || crossings < 158 || crossings > 161 {
				t.Errorf("%d Hz, %d bits: %.2f s at the level %.0f with %d periods; want 0.5 s, 2600, 159", rate, bits, s, h.level(0.1, 0.4), crossings)
			}
			if got[0] > 20 || got[len(got)-1] > 20 {
				t.Errorf("%d Hz, %d bits: it begins with %d and ends with %d", rate, bits, got[0], got[len(got)-1])
			}
		}
	}
}

// TestPrepareCutsOffWhatFoldsBack has a tone above half our rate disappear, as
// far as there is something else to hear.
func TestPrepareCutsOffWhatFoldsBack(t *testing.T) {
	t.Parallel()
	low := tone{rate: 44100, channels: 1, bits: 16, hertz: 400, seconds: 0.5, loud: 0.01, format: 1}
	high := low
	high.hertz, high.loud = 7000, 0.5
	mixed := low.wav()
	add := high.wav()
	for i := len(mixed) - 2; i > 60; i -= 2 { // behind the header
		le := binary.LittleEndian
		le.PutUint16(mixed[i:], uint16(int16(le.Uint16(mixed[i:]))+int16(le.Uint16(add[i:]))))
	}
	got, err := voices.Prepare(mixed)
	if err != nil {
		t.Fatal(err)
	}
	crossings := 0
	for i := 1; i < len(got); i++ {
		if got[i-1] < 0 && got[i] >= 0 {
			crossings++
		}
	}
	if crossings < 190 || crossings > 240 {
		t.Errorf("%d periods are left of 200 low ones and 3500 high ones", crossings)
	}
}

func FuzzPrepare(f *testing.F) {
	f.Add(good(1).wav()[:2000])
	f.Add(tone{rate: 8000, channels: 2, bits: 8, hertz: 300, seconds: 0.12, loud: 0.9, format: 1}.wav())
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if samples, err := voices.Prepare(data); err == nil && len(samples) == 0 {
			t.Error("an empty clip was made")
		}
	})
}
