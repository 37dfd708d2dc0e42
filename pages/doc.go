// Package pages serves what people look at to see how Ocapi is doing: a page for
// the partner whose forms it protects, one for the institution whose collection
// it asks about, one for whoever operates it.
//
// The pages are made on the server, hold no script, load nothing from elsewhere
// and can be read, printed and tabbed through without either. They show sums:
// never a visitor, a secret, a challenge or what an image plays in one. The one
// exception is by design: the page of a collection shows its latest settled
// images with their answers, to those who may see the collection.
//
// Who may see what is a [Viewer], which the caller finds out: on the operator's
// own listener everybody is the operator, elsewhere [SignIn] says who asks.
package pages
