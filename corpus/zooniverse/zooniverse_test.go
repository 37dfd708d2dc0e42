package zooniverse_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"ocapi/corpus/zooniverse"
)

var header = []string{
	"classification_id", "user_name", "user_id", "user_ip", "workflow_id", "workflow_name", "workflow_version", "created_at",
	"metadata", "annotations", "subject_data", "subject_ids",
}

// secrets stand in every field that says something of the person.
const secrets = "SECRET"

func export(t testing.TB, lines ...[3]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	records := [][]string{header}
	for i, l := range lines {
		records = append(records, []string{
			fmt.Sprint(7 + i), secrets, secrets, secrets, "1", "Labels", "1.2", "2020-01-02 03:04:05 UTC",
			`{"session":"` + secrets + `","user_agent":"` + secrets + `"}`, l[0], l[1], l[2],
		})
	}
	if err := w.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const good = `[{"task":"T0","task_label":"What is it?","value":"a mill"},` +
	`{"task":"T9","task_label":null,"value":[` +
	`{"task":"T1","value":[{"select_label":"Day","option":true,"value":"7a","label":"27"},{"select_label":"Month","option":false,"value":"May"}]},` +
	`{"task":"T2","task_label":"Name","value":""},` +
	`{"task":"T8","value":[{"task":"T3","task_label":"All of","value":["x","y"]}]}]},` +
	`{"task":"T4","task_label":"Mark","value":[{"tool":0,"x":1.5}]},{"task":"T5","value":null},{"task":"T6","value":[]}]`

func TestReader(t *testing.T) {
	t.Parallel()
	data := export(t,
		[3]string{good, `{"11":{"retired":null,"#b":"z.txt","#a":"P 1.JPG","n":3}}`, "11"},
		[3]string{`[]`, "", "11;12"})
	z, err := zooniverse.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	want := []zooniverse.Classification{
		{
			ID: "7", Workflow: "Labels", Version: "1.2", Subjects: []zooniverse.Subject{{ID: "11", File: "P 1.JPG"}}, DecidedAt: at, Line: 2,
			Answers: []zooniverse.Answer{
				{Task: "T0", Question: "What is it?", Value: "a mill"},
				{Task: "T1", N: 0, Question: "Day", Value: "27"},
				{Task: "T1", N: 1, Question: "Month", Value: "May"},
				{Task: "T2", Question: "Name"},
				{Task: "T3", N: 0, Question: "All of", Value: "x"},
				{Task: "T3", N: 1, Question: "All of", Value: "y"},
				{Task: "T4", Question: "Mark", Value: `{"tool":0,"x":1.5}`},
				{Task: "T5"},
				{Task: "T6"},
			},
		},
		{ID: "8", Workflow: "Labels", Version: "1.2", Subjects: []zooniverse.Subject{{ID: "11"}, {ID: "12"}}, DecidedAt: at, Line: 3},
	}
	for _, w := range want {
		got, err := z.Next()
		if err != nil || !reflect.DeepEqual(*got, w) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, w)
		}
		if strings.Contains(fmt.Sprintf("%+v", got), secrets) {
			t.Errorf("it tells of the person: %+v", got)
		}
	}
	if _, err := z.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestBadLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		line [3]string
		says string
	}{
		{"no JSON", [3]string{"[", "", "1"}, "annotations: it is no JSON"},
		{"another kind of JSON", [3]string{`{"task":"T0"}`, "", "1"}, "annotations: it is no JSON"},
		{"too deep", [3]string{strings.Repeat("[", 100_000), "", "1"}, "deeper than 32"},
		{"tasks too deep", [3]string{strings.Repeat(`[{"task":"T","value":`, 20) + "1" + strings.Repeat("}]", 20), "", "1"}, "deeper than 32"},
		{"an answer to nothing", [3]string{`[{"value":"x"}]`, "", "1"}, "does not name its task"},
		{"too many answers", [3]string{`[{"task":"T","value":[` + strings.Repeat("1,", 5000) + `1]}]`, "", "1"}, "more than 5000 answers"},
		{"no subject", [3]string{"[]", "", ""}, "of 0 subjects"},
		{"a subject that is none", [3]string{"[]", "", "x"}, "no subject id"},
		{"broken subject data", [3]string{"[]", "{", "1"}, "subject_data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			z, err := zooniverse.NewReader(bytes.NewReader(export(t, c.line, [3]string{"[]", "", "1"})))
			if err != nil {
				t.Fatal(err)
			}
			_, err = z.Next()
			e, ok := errors.AsType[*zooniverse.LineError](err)
			if !ok || e.Line != 2 || !strings.Contains(e.Reason, c.says) {
				t.Errorf("error = %v, want %q", err, c.says)
			}
			if got, err := z.Next(); err != nil || got.ID != "8" {
				t.Errorf("the next line: %+v, %v", got, err)
			}
		})
	}
	for name, data := range map[string]string{
		"an id that is none": "classification_id,annotations,subject_ids,created_at\nx,[],1,2020-01-02 03:04:05 UTC\n",
		"no time":            "classification_id,annotations,subject_ids\n1,[],1\n",
		"a time long ago":    "classification_id,annotations,subject_ids,created_at\n1,[],1,0001-01-01 00:00:00 UTC\n",
		"too few fields":     "classification_id,annotations,subject_ids\n1\n",
	} {
		z, err := zooniverse.NewReader(strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Next(); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	for _, data := range []string{"", "file,known\n", "\"\n"} {
		if _, err := zooniverse.NewReader(strings.NewReader(data)); err == nil {
			t.Errorf("%q was taken for an export", data)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(export(f, [3]string{good, `{"11":{"a":"b.jpg"}}`, "11"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		z, err := zooniverse.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		for {
			c, err := z.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if _, ok := errors.AsType[*zooniverse.LineError](err); err != nil && !ok {
				t.Fatal(err)
			}
			if err == nil && (c.ID == "" || len(c.Subjects) == 0 || c.DecidedAt.IsZero() || c.Line < 2) {
				t.Errorf("classification = %+v", c)
			}
		}
	})
}
