// Package consensus says what visitors' answers add up to: for each image the
// likeliest annotation, with the probability that it is right.
//
// Nobody is known to it. Every challenge is a worker of its own, and the known
// images in it are a small test of that worker: a [Ballot] is an answer to one
// [Question] together with how the rest of its challenge was answered ([Gold]).
// A [Tally] counts ballots and nothing else, so that the order in which they
// come decides nothing, and what was counted can be taken back. A [Model] turns
// a tally into a [Belief]; [Rules] turn beliefs into a
// [domain.QuestionStatus].
//
// The package is pure: it knows neither clock nor store.
package consensus
