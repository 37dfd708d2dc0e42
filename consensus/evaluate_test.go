package consensus

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func evaluateText(rows, truth string) (*Evaluation, error) {
	p := &EvaluateParams{Name: "some.csv", Rows: strings.NewReader(rows), Rules: DefaultRules()}
	if truth != "" {
		p.Truth = strings.NewReader(truth)
	}
	return Evaluate(p)
}

const smallLog = "challenge,match_hits,false_alarms,unknown1,answer1,unknown2,answer2\n" +
	"a,3,0,x,1,y,0\nb,3,1,x,1,y,1\nc,0,2,x,0,z,1\n"

func TestEvaluateLog(t *testing.T) {
	t.Parallel()
	e, err := evaluateText(smallLog, "task,truth,match_prior\nx,1,0.5\ny,0,0.5\nnobody,1,0.5\nz,,\n")
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != "challenges" || e.Tasks != 3 || e.Challenges != 3 || e.Answers != 6 || e.Truths != 2 || e.Unanswered != 1 {
		t.Errorf("it is %+v", e)
	}
	want := map[string][2]float64{ // accuracy, votes
		"majority": {0.75, 2.5}, "majority of passed": {1, 1}, "two and a half votes": {0.75, 2.5}, "bayes": {1, 2.5}, "bayes, stopping": {1, 2.5},
	}
	for _, f := range e.Methods {
		if w := want[f.Method]; f.Accuracy != w[0] || f.Votes != w[1] {
			t.Errorf("%s is right in %v with %v votes, want %v", f.Method, f.Accuracy, f.Votes, w)
		}
		delete(want, f.Method)
	}
	if len(want) > 0 || len(e.Refused) != 1 || e.Refused[0].Method != "dawid-skene" {
		t.Errorf("%v are missing; refused are %v", want, e.Refused)
	}
	var text, object bytes.Buffer
	if err := e.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"6 answers by 3 challenges to 3 tasks, 2 of them", "1 tasks have truth and no answer", "majority of passed", "75.00", "dawid-skene was not run"} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the table does not say %q:\n%s", part, &text)
		}
	}
	var back Evaluation
	if err := e.WriteJSON(&object); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(object.Bytes(), &back); err != nil || back.Methods[0] != e.Methods[0] {
		t.Errorf("the JSON is read as %+v, %v", back, err)
	}
}

func TestEvaluateOtherMixes(t *testing.T) {
	t.Parallel()
	e, err := evaluateText("matches,non_matches,match_hits,false_alarms,unknown1,answer1\n5,2,5,0,x,1\n1,1,1,1,x,0\n2,6,2,0,x,\n", "task,truth\nx,1\n")
	if err == nil || !strings.Contains(err.Error(), `some.csv: line 4: answer1 is "", and should be 0 or 1`) {
		t.Errorf("an answer without one is read as %+v, %v", e, err)
	}
	e, err = evaluateText("matches,non_matches,match_hits,false_alarms,unknown1,answer1,unknown2,answer2\n5,2,5,0,x,1,,\n1,1,1,1,x,0,y,1\n", "task,truth\nx,1\n")
	if err != nil || e.Answers != 3 || e.Methods[3].Accuracy != 1 {
		t.Errorf("it is %+v, %v", e, err)
	}
}

func TestEvaluateCrowd(t *testing.T) {
	t.Parallel()
	const rows = "\ufeffTask, worker,label,truth\na,1,cat,cat\na,2,cat,cat\na,3,dog,cat\nb,1,dog,\nb,2,cow,\nb,4,dog,\n"
	e, err := evaluateText(rows, "")
	if err != nil {
		t.Fatal(err)
	}
	if e.Kind != "labels" || e.Tasks != 2 || e.Workers != 4 || e.Labels != 3 || e.Truths != 1 || e.Methods[0].Accuracy != 1 || e.Methods[0].Probability() != 0.5 {
		t.Errorf("it is %+v", e)
	}
	if e, err = evaluateText(rows, "task,truth\na,dog\nb,dog\nc,cat\n"); err != nil || e.Truths != 2 || e.Methods[0].Accuracy != 0.5 || e.Unanswered != 1 {
		t.Errorf("with a truth of its own it is %+v, %v", e, err)
	}
}

// Probability gives what the method claimed, of one task that it was right about.
func (f Figures) Probability() float64 { return math.Round(1000*math.Exp(-f.LogLoss)) / 1000 }

func TestThreeVotesSettle(t *testing.T) {
	t.Parallel()
	e, err := evaluateText("task,worker,label,truth\na,1,0,1\na,2,1,1\na,3,0,1\na,4,0,1\na,5,1,1\na,6,1,1\na,7,1,1\na,8,1,1\n", "")
	if err != nil {
		t.Fatal(err)
	}
	if f := e.Methods[1]; f.Votes != 4 || f.Settled != 1 || f.SettledWrong != 1 || f.Accuracy != 0 {
		t.Errorf("reCAPTCHA's rule stops so: %+v", f)
	}
	if f := e.Methods[0]; f.Votes != 8 || f.Accuracy != 1 {
		t.Errorf("a majority is %+v", f)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	t.Parallel()
	const truth = "task,truth\nx,1\n"
	for _, c := range []struct{ name, rows, truth, want string }{
		{"empty", "", "", "some.csv: the file is empty"},
		{"other columns", "a,b\n1,2\n", "", "line 1: the columns are"},
		{"a column twice", "task,task,worker,label\n", "", `two columns "task"`},
		{"no answers", "task,worker,label\n", "", "there are no answers"},
		{"no truth", "task,worker,label\na,1,1\n", "", "none of the 1 tasks has truth"},
		{"two truths", "task,worker,label,truth\na,1,1,0\na,2,1,1\n", "", `line 3: the truth of task "a" is "1" here and "0" before`},
		{"no worker", "task,worker,label,truth\na,1,1,0\na,,1,0\n", "", "line 3: there is no worker"},
		{"no label", "task,worker,label,truth\na,1,,0\n", "", "line 2: there is no label"},
		{"a field too few", "task,worker,label\na,1\n", "", "line 2: there are not as many fields"},
		{"a quote", "task,worker,label\na,1,\"x\n", "", "some.csv: line"},
		{"truth without a column", "task,worker,label\na,1,1\n", "task\na\n", "truth of some.csv: line 1"},
		{"a log without truth", smallLog, "", "there is no truth"},
		{"a log without false alarms", "match_hits,unknown1,answer1\n", truth, "match_hits and false_alarms"},
		{"an unknown without an answer", "match_hits,false_alarms,unknown1,answer1,unknown2\n", truth, "unknown2 and answer2"},
		{"hits that are no number", smallLog + "d,x,0,x,1,y,1\n", truth, `line 5: match_hits is "x"`},
		{"too many hits", smallLog + "d,4,0,x,1,y,1\n", truth, "line 5: match_hits is 4, of 3"},
		{"too many false alarms", smallLog + "d,3,5,x,1,y,1\n", truth, "line 5: false_alarms is 5, of 4"},
		{"an answer that is none", smallLog + "d,3,0,x,yes,y,1\n", truth, `line 5: answer1 is "yes"`},
		{"a truth that is none", smallLog, "task,truth\nx,yes\n", `truth of some.csv: line 2: truth is "yes"`},
		{"a prior that is none", smallLog, "task,truth,match_prior\nx,1,1\n", `line 2: match_prior is "1"`},
		{"truth of others", smallLog, "task,truth\nq,1\n", "none of the 3 unknown tasks"},
	} {
		if e, err := evaluateText(c.rows, c.truth); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v; want an error with %q", c.name, e, err, c.want)
		}
	}
}

func FuzzEvaluate(f *testing.F) {
	f.Add(smallLog, "task,truth,match_prior\nx,1,0.5\n")
	f.Add("task,worker,label,truth\na,1,1,1\na,2,0,1\nb,1,0,0\n", "")
	f.Add("task,worker,label\na,1,cat\n", "task,truth\na,dog\n")
	f.Add("matches,non_matches,match_hits,false_alarms,unknown1,answer1\n63,0,63,0,x,1\n0,0,0,0,x,0\n", "task,truth\nx,0\n")
	f.Add("\"a\nb\",c\n", "")
	f.Fuzz(func(t *testing.T, rows, truth string) {
		e, err := evaluateText(rows, truth)
		if err != nil {
			return
		}
		for _, m := range e.Methods {
			if !(m.Accuracy >= 0 && m.Accuracy <= 1) || math.IsNaN(m.LogLoss) || math.IsNaN(m.CalibrationError) {
				t.Fatalf("%+v", m)
			}
		}
	})
}
