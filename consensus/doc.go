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
// A [Method] is another way to count the same ballots, for comparison; [Evaluate]
// runs all of them on public data whose truth is known. What a label's posterior
// is made of stands at [LabelModel], which is fitted by [FitLabels] on the answers
// to known pictures; a text's at [TextModel]. Everything that a decision follows
// from is reckoned in whole numbers, so that the running service, a replay, and a
// replay in another order or on another processor decide alike to the last bit.
//
// The package is pure: it knows neither clock nor store.
package consensus
