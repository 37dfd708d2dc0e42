// Package client has the commands that manage the websites that may use the service.
package client
