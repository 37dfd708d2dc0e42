package consensus_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ocapi/cmd/ocapi/programtest"
	"ocapi/consensus"
)

// answersFile writes files and gives the path of the first.
func answersFile(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"log.csv", "log_truth.csv", "other.csv"} {
		if i < len(files) && files[i] != "" {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(files[i]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return filepath.Join(dir, "log.csv")
}

const (
	aLog   = "challenge,match_hits,false_alarms,unknown1,answer1\na,3,0,x,1\nb,0,3,x,0\n"
	aTruth = "task,truth\nx,1\n"
)

func TestConsensusEvaluate(t *testing.T) {
	t.Parallel()
	file := answersFile(t, aLog, aTruth, "task,truth\nx,0\n")
	out := programtest.Succeed(t, "consensus", "evaluate", file)
	for _, want := range []string{"2 answers by 2 challenges to 1 tasks", "majority of passed", "bayes, stopping", "dawid-skene was not run"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	accuracy := func(args ...string) float64 {
		var e consensus.Evaluation
		if err := json.Unmarshal([]byte(programtest.Succeed(t, append([]string{"consensus", "evaluate", file, "--json"}, args...)...)), &e); err != nil {
			t.Fatal(err)
		}
		for _, f := range e.Methods {
			if f.Method == "bayes" {
				return f.Accuracy
			}
		}
		t.Fatalf("there is no model in %+v", e)
		return 0
	}
	if got := accuracy(); got != 1 {
		t.Errorf("by the truth beside the file %v is right", got)
	}
	if got := accuracy("--truth", filepath.Join(filepath.Dir(file), "other.csv")); got != 0 {
		t.Errorf("by another truth %v is right", got)
	}
	programtest.Refuse(t, []string{"consensus", "evaluate", file, "--truth", file}, `log.csv: line 1: truth has`)
	if !strings.Contains(out, "\n  method  ") || !strings.Contains(out, "\n  bayes  ") {
		t.Errorf("the methods' names do not begin in one column:\n%s", out)
	}
}

func TestConsensusEvaluateTexts(t *testing.T) {
	t.Parallel()
	rows := "challenge,known_truth,known_answer,unknown,answer\na,fall,fall,x,Lewis\nb,fall,fall,x,Lewis\nc,fall,fell,x,Levis\n"
	out := programtest.Succeed(t, "consensus", "evaluate", answersFile(t, rows, "task,truth\nx,Lewis\n"))
	for _, want := range []string{"3 answers to 1 tasks", "plurality", "word errors", "100.00"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}

func TestConsensusEvaluateRefuses(t *testing.T) {
	t.Parallel()
	programtest.Refuse(t, []string{"consensus", "evaluate", answersFile(t)}, "log.csv", "no such file")
	programtest.Refuse(t, []string{"consensus", "evaluate", answersFile(t, aLog)}, "there is no truth")
	programtest.Refuse(t, []string{"consensus", "evaluate", answersFile(t, aLog), "--truth", "nowhere.csv"}, "nowhere.csv", "no such file")
	programtest.Refuse(t, []string{"consensus", "evaluate", answersFile(t, aLog+"c,9,0,x,1\n", aTruth)}, "log.csv", "line 4", "match_hits is 9")
	programtest.Refuse(t, []string{"consensus", "evaluate", answersFile(t, aLog, aTruth), "--error-rate=0.0001"}, "--error-rate", "cannot be promised")
}
