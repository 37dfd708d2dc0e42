// Package quarantine has the commands that set votes aside and let them count again.
package quarantine
