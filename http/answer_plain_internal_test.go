package http

import (
	"reflect"
	"testing"
)

// FuzzPlainAnswer: what is read without a JSON decoder is read by one, and alike.
func FuzzPlainAnswer(f *testing.F) {
	for _, body := range []string{
		`{"texts":["Ackermann","Bürgermeister"]}`, `{"selected":[0,35]}`, `{"selected":[36]}`, `{"selected":[00]}`, `{"selected":[]}`, `{"text":""}`,
		` { "texts" : [ "" , "x" ] , "unreadable" : [ 0 ] } `, `{"text":"a","text":"b"}`, `{"selected":[],"selected":[]}`, `{"texts":["a",]}`, `{"texts":[,]}`,
		`{"texts":["a\u00e9"]}`, "{\"text\":\"\xff\"}", "{\"text\":\"\x7f\"}", "{\"text\":\"\x1f\"}", `{"selected":[-1]}`, `{"selected":[1.0]}`, `{"text":"a"}{}`, `{}`, `{"Text":"a"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, plain := plainAnswer(body)
		if !plain {
			return
		}
		want, err := decodeAnswer(body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is read as %#v, and by a decoder as %#v, %v", body, got, want, err)
		}
	})
}

// TestPlainAnswers says which answers need no decoder: the widget's.
func TestPlainAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"texts":["Ackermann","Bürgermeister"]}`:   true,
		`{"texts":["wasser",""],"unreadable":[1]}`:  true,
		`{"selected":[0,4,7]}`:                      true,
		`{"selected": []}`:                          true,
		`{"text":"1 2 3"}`:                          true,
		`{}`:                                        false,
		`{"texts":["a \"quoted\" word"]}`:           false,
		`{"selected":[36]}`:                         false,
		`{"text":"a","known":true}`:                 false,
		`{"text":"a","text":"a"}`:                   false,
		`["a"]`:                                     false,
		`{"selected":[0]} {"selected":[1]}`:         false,
		"{\"text\":\"\xc3\"}":                       false,
		`{"texts":["a"],"selected":[0],"text":"b"}`: true, // whether they suit the challenge is not looked at
		`{"texts":"a"}`:                             false,
		`{"selected":[1`:                            false,
		`{"selected":["1"]}`:                        false,
		`{"unreadable":[1],"unreadable":[2]}`:       false,
		`{"unreadable":[01]}`:                       false,
		`{"unreadable":[100000000000000000000000]}`: false,
		`{"text":null}`:                             false,
		`{"texts":["a" "b"]}`:                       false,
		`{"texts":["a"] "text":"b"}`:                false,
	} {
		if _, plain := plainAnswer([]byte(body)); plain != want {
			t.Errorf("%s: plain is %v, want %v", body, plain, want)
		}
	}
}
