// Package placetest makes places for tests: empty ones of both kinds, archives
// with a history that was made up, and a folder whose event log runs without a node.
// What it makes ends with the test.
package placetest
