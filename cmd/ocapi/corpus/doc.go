// Package corpus has the commands that manage collections of images.
package corpus
