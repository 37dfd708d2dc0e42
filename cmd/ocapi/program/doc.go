// Package program is the whole command line: it parses it and runs the command. Main
// is for the binary, Run for whoever calls the program as a function. Commands that
// are one file are here; those that are more are packages beside it, named as they
// are typed.
package program
