package replay

// Command is the commands of "ocapi replay".
type Command struct {
	Consensus replayConsensusCmd `cmd:"" help:"Write out what visitors' votes add up to, one row for each image and keyword, as CSV, JSON Lines or Parquet."`
	Votes     replayVotesCmd     `cmd:"" help:"Write out what visitors have said of unknown images, as CSV or JSON Lines; what is quarantined is left out."`
	State     replayStateCmd     `cmd:"" help:"Print what a partner would have been told of a challenge: created, validated or rejected."`
	Rebuild   rebuildCmd         `cmd:"" help:"Make the projections in the archive's database anew from its events. Archiving waits meanwhile; look-ups go on."`
}
