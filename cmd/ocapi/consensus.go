package main

type consensusCmd struct {
	Evaluate evaluateCmd `cmd:"" help:"Run every method of consensus on a file of answers whose truth is known, and print how good each is."`
}
