package voices

import (
	"strings"

	"ocapi/domain"
)

// The words that come with the program, our own choice: common, of five to
// seven letters, spelt as they sound or within one letter of it, with no other
// word that sounds the same, and three edits from each other at least.
var words = map[string]string{
	"fr": `
		avion banane bateau bonjour carotte chaise chapeau cheval cinéma citron couleur cuisine
		dragon école famille fenêtre forêt fourmi fromage guitare hiver hôpital janvier jardin
		lampe lapin livre lundi maison merci minute miroir montre mouton musée musique neige
		oiseau orange papier parfum piano plage planète pomme renard rivière salade samedi
		silence soleil sucre table tomate tortue valise village violon voiture volcan`,
	"en": `
		apple artist balloon banana blanket bridge butter camera cheese cherry chicken church
		coffee curtain doctor dolphin dragon farmer finger forest friday garden guitar jungle
		kitchen lemon magnet mirror museum music ocean october orange panda paper pencil piano
		pillow rabbit rainbow river robot rocket salad school spider station student sugar
		summer sunday teacher thunder tomato tractor village violin volcano window zebra`,
}

// Languages lists the languages that come with the program, sorted.
func Languages() []string { return []string{"en", "fr"} }

// Symbols lists what is recorded in a language that comes with the program:
// the letters and digits that are asked, and our words.
func Symbols(language string) []string {
	return append(strings.Split(domain.AskedSigns(language), ""), strings.Fields(words[language])...)
}
