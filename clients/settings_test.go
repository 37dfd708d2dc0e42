package clients_test

import (
	"fmt"
	"strings"
	"testing"

	"ocapi/clients"
	"ocapi/domain"
)

func TestSettingsOfAClient(t *testing.T) { onEveryDatabase(t, testSettingsOfAClient) }

func testSettingsOfAClient(t *testing.T, b *bundle) {
	shown := func() string {
		t.Helper()
		c := b.client(t, "c")
		return fmt.Sprint(c.Aliases, c.Collections, c.Types, c.Languages, c.Origins, c.SiteVerify, c.Limit)
	}
	_, _, err := b.store.Create(t.Context(), clients.CreateParams{
		ID: "c", Aliases: []string{"a"}, Collections: []domain.CollectionID{"wills"},
		Types:     []domain.ChallengeType{domain.TypeClassification, domain.TypeTranscription, domain.TypeClassification},
		Languages: []string{"PT-br", "fr"}, Origins: []string{"HTTPS://Example.org:443", "http://localhost:8080"}, SiteVerify: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := shown(), "[a] [wills] [classification transcription] [fr pt-BR] [http://localhost:8080 https://example.org] true {0 0}"; got != want {
		t.Errorf("it is %s; want %s", got, want)
	}
	yes, no := true, false
	types := func(list ...domain.ChallengeType) *[]domain.ChallengeType { return &list }
	texts := func(list ...string) *[]string { return &list }
	for _, step := range []struct {
		name   string
		change clients.Change
		want   string
	}{
		{"nothing", clients.Change{}, "[a] [wills] [classification transcription] [fr pt-BR] [http://localhost:8080 https://example.org] true {0 0}"},
		{"types", clients.Change{Types: types(domain.TypeAudio)}, "[a] [wills] [audio] [fr pt-BR] [http://localhost:8080 https://example.org] true {0 0}"},
		{"all types", clients.Change{Types: types()}, "[a] [wills] [] [fr pt-BR] [http://localhost:8080 https://example.org] true {0 0}"},
		{"languages", clients.Change{Languages: texts("de")}, "[a] [wills] [] [de] [http://localhost:8080 https://example.org] true {0 0}"},
		{"origins, not consumed", clients.Change{Origins: texts("https://x.example"), SiteVerify: &no}, "[a] [wills] [] [de] [https://x.example] false {0 0}"},
		{"collections", clients.Change{Collections: &[]domain.CollectionID{"b", "a"}, Languages: texts()}, "[a] [a b] [] [] [https://x.example] false {0 0}"},
		{"aliases", clients.Change{AddAliases: []string{"n"}, RemoveAliases: []string{"a"}, SiteVerify: &yes}, "[n] [a b] [] [] [https://x.example] true {0 0}"},
		{"all collections, any page", clients.Change{Collections: &[]domain.CollectionID{}, Origins: texts(), SiteVerify: &yes}, "[n] [] [] [] [] true {0 0}"},
		{"a limit", clients.Change{Limit: &domain.Limit{PerSecond: 1, Burst: 2}}, "[n] [] [] [] [] true {1 2}"},
	} {
		if err := b.store.Change(t.Context(), "c", step.change); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := shown(); got != step.want {
			t.Errorf("%s: it is %s; want %s", step.name, got, step.want)
		}
	}
	before := shown()
	b.create(t, "other", "taken")
	for _, c := range []struct {
		name, id string
		change   clients.Change
		code     domain.Code
		says     string
	}{
		{"nobody", "nobody", clients.Change{SiteVerify: &yes}, domain.CodeNotFound, "nobody"},
		{"no type", "c", clients.Change{Types: types(domain.TypeInvalid)}, domain.CodeInvalid, "transcription, classification, audio"},
		{"no language", "c", clients.Change{Languages: texts("not a language")}, domain.CodeInvalid, "pt-BR"},
		{"an empty language", "c", clients.Change{Languages: texts("")}, domain.CodeInvalid, "pt-BR"},
		{"no origin", "c", clients.Change{Origins: texts("https://example.org/form")}, domain.CodeInvalid, "https://www.example.org"},
		{"no alias", "c", clients.Change{AddAliases: []string{"a b"}}, domain.CodeInvalid, "character 2"},
		{"an alias that is taken, among other changes", "c", clients.Change{AddAliases: []string{"free", "taken"}, Types: types(domain.TypeAudio)}, domain.CodeConflict, "client other"},
		{"another's alias", "c", clients.Change{RemoveAliases: []string{"taken"}}, domain.CodeNotFound, "taken"},
		{"its own id", "c", clients.Change{RemoveAliases: []string{"c"}}, domain.CodeNotFound, "no alias"},
	} {
		if err := b.store.Change(t.Context(), c.id, c.change); domain.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %v with %q", c.name, err, c.code, c.says)
		}
		if got := shown(); got != before {
			t.Errorf("%s: something changed: %s", c.name, got)
		}
	}
	for _, p := range []clients.CreateParams{
		{ID: "new", Types: []domain.ChallengeType{9}}, {ID: "new", Languages: []string{"?"}}, {ID: "new", Origins: []string{"*"}},
	} {
		if _, _, err := b.store.Create(t.Context(), p); domain.CodeOf(err) != domain.CodeInvalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
