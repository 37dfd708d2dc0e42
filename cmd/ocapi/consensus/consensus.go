package consensus

// Command is the commands of "ocapi consensus".
type Command struct {
	List     consensusListCmd     `cmd:"" help:"List what visitors' votes have decided."`
	Show     consensusShowCmd     `cmd:"" help:"Show what is known about one image: what is on record, what votes have decided, and what it is dealt as."`
	Accept   consensusAcceptCmd   `cmd:"" help:"Say what is right of an image: what was likeliest at the last decision, or what you say."`
	Withdraw consensusWithdrawCmd `cmd:"" help:"Rely no more on an annotation that was accepted, or on what is on record of an image."`
	Restore  consensusRestoreCmd  `cmd:"" help:"Take a withdrawal back, be it a person's or the votes'."`
	Evaluate evaluateCmd          `cmd:"" help:"Run every method of consensus on a file of answers whose truth is known, and print how good each is."`
}
