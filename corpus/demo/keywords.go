package demo

// Keyword is a subject of the classification pictures.
type Keyword struct {
	// ID is the English keyword and the key under which the subject is known.
	ID string
	// Labels maps a language (BCP 47, two letters) to the keyword in it: en,
	// fr, de, es, it and nl.
	Labels map[string]string
}

// Keywords returns the subjects of the classification pictures, always in the
// same order. The caller owns the result.
func Keywords() []Keyword {
	label := func(en, fr, de, es, it, nl string) Keyword {
		return Keyword{ID: en, Labels: map[string]string{
			"en": en, "fr": fr, "de": de, "es": es, "it": it, "nl": nl,
		}}
	}
	// No two subjects may be taken for each other, and no picture may hold a
	// second subject of this list: no tree beside the castle, no bird over the
	// ship, no sun over the windmill.
	return []Keyword{
		label("windmill", "moulin à vent", "Windmühle", "molino de viento", "mulino a vento", "windmolen"),
		label("ship", "navire", "Schiff", "barco", "nave", "schip"),
		label("fish", "poisson", "Fisch", "pez", "pesce", "vis"),
		label("bird", "oiseau", "Vogel", "pájaro", "uccello", "vogel"),
		label("tree", "arbre", "Baum", "árbol", "albero", "boom"),
		label("key", "clé", "Schlüssel", "llave", "chiave", "sleutel"),
		label("crown", "couronne", "Krone", "corona", "corona", "kroon"),
		label("castle", "château fort", "Burg", "castillo", "castello", "kasteel"),
		label("anchor", "ancre", "Anker", "ancla", "ancora", "anker"),
		label("sun", "soleil", "Sonne", "sol", "sole", "zon"),
		label("bell", "cloche", "Glocke", "campana", "campana", "klok"),
		label("hourglass", "sablier", "Sanduhr", "reloj de arena", "clessidra", "zandloper"),
		label("butterfly", "papillon", "Schmetterling", "mariposa", "farfalla", "vlinder"),
	}
}
