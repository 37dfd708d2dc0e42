package domain_test

import (
	"testing"

	"ocapi/domain"
)

func TestUntypeable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want rune // 0: all of it can be typed
	}{
		"plain":                        {"juillet 1834", 0},
		"accents":                      {"Ébène, gru\u0364n", 0},
		"ligatures and long s":         {"Waſſer ﬁn Œuvre", 0},
		"a hyphen at the line's end":   {"con⸗", 0},
		"quotation marks and dashes":   {"»So« – ’s …", 0},
		"a private-use ligature":       {"Bu\uf502", 0},
		"a soft hyphen":                {"Wa\u00adsser", 0},
		"Greek with accents":           {"Ὅμηρος", 0},
		"Cyrillic":                     {"Ёлка і Ґ", 0},
		"Hebrew, Arabic, Han, Hangul":  {"שָׁלוֹם كتاب 東京 한", 0},
		"money":                        {"5 £ 3 €", 0},
		"digits of another script":     {"١٨٣٤", 0},
		"a private-use letter":         {"de\ue5d2 Land", '\ue5d2'},
		"wynn":                         {"ƿe", 'ƿ'},
		"yogh":                         {"niȝt", 'ȝ'},
		"the sign for and":             {"Haus ⁊ Hof", '⁊'},
		"a planet":                     {"in ☉", '☉'},
		"yat":                          {"хлѣбъ", 'ѣ'},
		"Gothic":                       {"𐌰", '𐌰'},
		"the sign of a lost character": {"ab\ufffdc", '\ufffd'},
		"broken UTF-8":                 {"ab\xffc", '\ufffd'},
		"a line break":                 {"a\nb", '\n'},
		"unassigned":                   {"a\U000e0fff", '\U000e0fff'},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found := domain.Untypeable(tt.text)
			if got != tt.want || found != (tt.want != 0) {
				t.Errorf("Untypeable(%q) = %q, %t; want %q", tt.text, got, found, tt.want)
			}
		})
	}
}
