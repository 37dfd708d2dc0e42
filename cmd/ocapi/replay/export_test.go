package replay

// What the package's own tests look at.
type ConsensusRow = consensusRow

var ConsensusColumns = consensusColumns
