package main

type consensusCmd struct {
	List     consensusListCmd `cmd:"" help:"List what visitors' votes have decided."`
	Show     consensusShowCmd `cmd:"" help:"Show what is known about one image: what is on record, what votes have decided, and what it is dealt as."`
	Evaluate evaluateCmd      `cmd:"" help:"Run every method of consensus on a file of answers whose truth is known, and print how good each is."`
}
