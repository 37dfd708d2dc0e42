package domain

// Prompt gives a keyword in every language in which the pool's collections
// have it; where they have no English, the keyword itself is the English. It
// is what a challenge made now would ask for.
func (p *Pool) Prompt(keyword string) map[string]string { return p.promptFor(keyword) }
