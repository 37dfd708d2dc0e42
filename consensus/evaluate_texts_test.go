package consensus_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/consensus"
	"ocapi/samplestest"
)

func TestReadTexts(t *testing.T) {
	t.Parallel()
	s, err := consensus.ReadTexts(strings.NewReader("challenge,known_truth,known_answer,unknown,answer\n1,a b,A B,u2,x\n2,8996,8986,u1,\"y, z\"\n3,left,right,u2,w\n"),
		strings.NewReader("task,truth\nu1,y\nother,z\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tasks) != 2 || s.Tasks[0].Name != "u1" || s.Tasks[0].Truth != "y" || s.Tasks[0].Votes[0] != (consensus.TextVote{Gold: consensus.GoldNear, Text: "y, z"}) ||
		s.Tasks[1].Truth != "" || s.Tasks[1].Votes[0].Gold != consensus.GoldExact || s.Tasks[1].Votes[1] != (consensus.TextVote{Gold: consensus.GoldWrong, Text: "w"}) {
		t.Errorf("a log is read as %+v", s)
	}
	s, err = consensus.ReadTexts(strings.NewReader("\ufefftask,worker,label,truth\nb,w,x,\na,w,y,z\na,v,y,\n"), nil)
	if err != nil || len(s.Tasks) != 2 || s.Tasks[0].Truth != "z" || len(s.Tasks[0].Votes) != 2 || s.Tasks[0].Votes[0].Gold != consensus.GoldNone {
		t.Errorf("labels are read as %+v: %v", s, err)
	}
	tests := map[string]struct{ votes, truths, want string }{
		"empty":               {"", "task,truth\n", "the readings: the file is empty"},
		"no label":            {"task,worker\n", "", `no column "label"`},
		"half a log":          {"challenge,unknown,answer\n", "", `no column "known_truth"`},
		"a line is short":     {"task,label\na,b\nc\n", "", "line 3"},
		"truth without truth": {"task,label\na,b\n", "task,true\n", `the truths: line 1: there is no column "truth"`},
		"a truth is short":    {"task,label\na,b\n", "task,truth\na\n", "line 2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := consensus.ReadTexts(strings.NewReader(tt.votes), strings.NewReader(tt.truths)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestEvaluateTextsCounts(t *testing.T) {
	t.Parallel()
	s, err := consensus.ReadTexts(strings.NewReader("task,label,truth\n"+
		"a,London,London\na,london,London\na,London ,London\na,Leeds,London\n"+ // settled early
		"b,one two,one too\nb,one to,one too\n"+ // nobody has it
		"c,St Ives,St. Ives\nc,St Ives,St. Ives\nc,St. Ives,St. Ives\n"+ // a full stop away
		"d,not known,\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	builtin := consensus.Builtin().Texts
	figures, err := consensus.EvaluateTexts(s, consensus.TextOptions{Model: &builtin, Threshold: 0.9, Least: 2, Rounds: 3, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]consensus.TextFigures{}
	for _, f := range figures {
		by[f.Method] = f
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	p := by[consensus.MethodPlurality]
	near("answers", float64(p.Answers), 3)
	near("accuracy", p.Accuracy, 1./3)
	near("letters", p.Letters, 2./3)
	near("votes", p.Votes, 3)
	near("word errors", p.WordErrors, 2./5)
	b := by[consensus.MethodSettled]
	near("answers to settled", float64(b.Answers), 9)
	if b.Settled == 0 || b.Votes >= p.Votes {
		t.Errorf("nothing is settled early: %+v", b)
	}
	three := by[consensus.MethodThreeAgree]
	near("three agree", three.Settled, 1./3)
	near("wrong when three agree", three.Wrong, 0)

	if _, err := consensus.EvaluateTexts(s, consensus.TextOptions{}); err == nil || !strings.Contains(err.Error(), "0 classes") {
		t.Errorf("fitting starts with nothing: %v", err)
	}
}

// TestEvaluateTextsFitsOnTheOtherHalf has every other reading wrong: what is
// learnt from one half is then misleading about the other.
func TestEvaluateTextsFitsOnTheOtherHalf(t *testing.T) {
	t.Parallel()
	s := &consensus.TextSet{}
	for i := range 400 {
		text := "the truth"
		if i%2 == 1 {
			text = "a lie"
		}
		s.Tasks = append(s.Tasks, consensus.TextTask{Name: fmt.Sprint(i), Truth: "the truth", Votes: []consensus.TextVote{{Gold: consensus.GoldExact, Text: text}}})
	}
	if f := evaluate(t, s, consensus.TextOptions{Start: consensus.BuiltinTexts()})[consensus.MethodBelief]; f.Accuracy != 0.5 || f.LogLoss < 1 {
		t.Errorf("half of it is right, and the log loss is %v: it has seen what it is asked", f.LogLoss)
	}
}

func texts(t testing.TB, name string, beside bool) *consensus.TextSet {
	t.Helper()
	dir := samplestest.Folder(t, "../consensus-data")
	open := func(name string) *os.File {
		f, err := os.Open(filepath.Join(dir, name+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	s, err := consensus.ReadTexts(open(name), nil)
	if beside {
		s, err = consensus.ReadTexts(open(name), open(name+"_truth"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// speech is where fitting begins for what is heard, not read: words that sound
// alike are spelt unlike, so misreadings may lie far away.
func speech() consensus.TextParams {
	p := consensus.BuiltinTexts()
	p.Slope, p.Floor = 0.2, -4
	return p
}

func evaluate(t *testing.T, s *consensus.TextSet, o consensus.TextOptions) map[string]consensus.TextFigures {
	t.Helper()
	o.Least, o.Seed = 2, 1
	figures, err := consensus.EvaluateTexts(s, o)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]consensus.TextFigures{}
	for _, f := range figures {
		by[f.Method] = f
		t.Logf("%-18s accuracy %.4f, without punctuation %.4f, log loss %.3f, calibration error %.4f, votes %.3f, word errors %.4f, settled %.3f, of them wrong %.4f, sure %.3f, of them right %.4f",
			f.Method, f.Accuracy, f.Letters, f.LogLoss, f.Calibration, f.Votes, f.WordErrors, f.Settled, f.Wrong, f.Sure, f.SureRight)
	}
	return by
}

// TestFiguresOfTexts holds what is reached on public data: goals G8 (accuracy
// with all votes, beside the best method known for each set less 0.2 %) and G9
// (calibration). Registers are judged by the built-in model, and what was heard
// by one fitted on the other half.
func TestFiguresOfTexts(t *testing.T) {
	t.Parallel()
	builtin := consensus.Builtin().Texts
	tests := map[string]struct {
		set         string
		options     consensus.TextOptions
		accuracy    float64 // without punctuation, which the reference disregards
		calibration float64
	}{
		"register words and numbers": {"challenge_text_hms_expert", consensus.TextOptions{Model: &builtin}, 0.9342 - 0.002, 0.04},
		"register numbers":           {"challenge_text_hms_silver", consensus.TextOptions{Model: &builtin}, 0.9980 - 0.002, 0.04},
		"words heard":                {"challenge_text_words", consensus.TextOptions{Start: speech()}, 0.8973 - 0.002, 0.04},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.options.Threshold = 0.97
			f := evaluate(t, texts(t, tt.set, true), tt.options)[consensus.MethodBelief]
			if f.Letters < tt.accuracy || f.Calibration > tt.calibration {
				t.Errorf("accuracy %.4f, calibration error %.4f; goals %.4f, %.4f", f.Letters, f.Calibration, tt.accuracy, tt.calibration)
			}
			if f.SureRight < 0.98 {
				t.Errorf("of %.3f that are surely right %.4f are", f.Sure, f.SureRight)
			}
		})
	}
}

// TestVotesSaved holds goal G7: how many votes it takes to be as often right as
// when three have to agree. Of what was heard, votes run out before most
// doubtful words are settled, so there the settled ones are compared.
func TestVotesSaved(t *testing.T) {
	t.Parallel()
	builtin := consensus.Builtin().Texts
	tests := map[string]struct {
		set     string
		options consensus.TextOptions
		settled bool
		goal    float64
	}{
		"numbers":        {"challenge_text_hms_silver", consensus.TextOptions{Model: &builtin}, false, 2.2},
		"register words": {"challenge_text_hms_expert", consensus.TextOptions{Model: &builtin}, false, 2.35},
		"words heard":    {"challenge_text_words", consensus.TextOptions{Start: speech()}, true, 2.9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.options.Rounds = 10
			votes, three, err := consensus.VotesLikeThree(texts(t, tt.set, true), tt.options, tt.settled)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%.3f votes are as often right as %.3f where three have to agree", votes, three)
			if votes > tt.goal {
				t.Errorf("%.3f votes, goal %.3f", votes, tt.goal)
			}
		})
	}
}

// TestSettledTexts holds how many settled texts are wrong, by the default rules'
// threshold. Over all of the registers that is below 1 %. The texts that an
// archivist has read too are the hard ones: names and complaints beside
// numbers. There no threshold gives 1 %: it is 1.4 % at 0.995, and 1.5 % of what
// three agree on, for there volunteers and archivist differ on what to write.
func TestSettledTexts(t *testing.T) {
	t.Parallel()
	builtin := consensus.Builtin().Texts
	threshold := consensus.DefaultRules().SettleText
	all := evaluate(t, texts(t, "text_hms", false), consensus.TextOptions{Model: &builtin, Threshold: threshold})
	hard := evaluate(t, texts(t, "challenge_text_hms_expert", true), consensus.TextOptions{Model: &builtin, Threshold: threshold, Rounds: 10})
	if f := all[consensus.MethodSettled]; f.Wrong > 0.01 || f.Settled < 0.5 {
		t.Errorf("of all registers %.4f are wrong among %.3f settled", f.Wrong, f.Settled)
	}
	if f := hard[consensus.MethodSettled]; f.Wrong > 0.022 || f.Settled < 0.5 {
		t.Errorf("of the hard ones %.4f are wrong among %.3f settled", f.Wrong, f.Settled)
	}
}

// TestWordErrors holds the word error rate of whole utterances. What is heard
// gains from words voted on by column; the plurality has 16.4 and 27.1 %.
func TestWordErrors(t *testing.T) {
	t.Parallel()
	for set, most := range map[string]float64{"text_speech_dev_clean": 0.065, "text_speech_dev_other": 0.12} {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			f := evaluate(t, texts(t, set, true), consensus.TextOptions{Start: speech(), Threshold: 0.97})
			if got := f[consensus.MethodBelief].WordErrors; got > most {
				t.Errorf("%.4f of the words are wrong, want at most %.4f", got, most)
			}
		})
	}
}
