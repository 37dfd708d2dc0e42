// Package pairing brings answers together with the challenges that they answer,
// whose images an answer does not name. Whoever counts votes has a [Pairing].
//
// A node that archives counts twice, and remembers recent creations anyway: what
// it remembers is not held again ([Recent]), and what is older than that is read
// from the archive ([History]) when it is answered. So an open challenge costs a
// pairing nothing.
package pairing
