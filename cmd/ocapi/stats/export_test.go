package stats

// What the package's own tests look at.
type ClientLine = clientLine
type ImageLine = imageLine

const NoChallenges = noChallenges
