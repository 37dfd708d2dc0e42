// Package simulation plays the attacker: somebody who takes many challenges,
// tells all images apart, and tries to find out which of them decide, so that
// only those have to be answered.
//
// A [World] deals challenges as the service does, with its dealer, on a virtual
// clock and from images that are made up; beside it there is the naive selector,
// which draws each image independently. Attackers look at what comes: watchers
// ([Watcher]) give every image a score, and the area under the ROC curve
// ([AUC]) says how well it parts known from unknown; workers ([Worker]) answer,
// and the share of their answers that are validated says what it brings them.
// Enumerators ask the limiter how many challenges there are to be had, and for
// how much work. [Run] does all of it and gives a [Report].
//
// Attackers are given more than anybody has: they recognise every image
// without fail, and where they have to decide what a number means they are told
// the truth of one half of the images, and measured on the other.
//
// The same parameters give the same report, to the letter.
package simulation
