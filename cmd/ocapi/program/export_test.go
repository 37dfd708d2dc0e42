package program

// What the package's own tests look at.
type Cli = cli
