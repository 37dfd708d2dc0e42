package corpus

// WriteDemoInBatches is WriteDemo with batches so small that a test can
// interrupt it early.
var WriteDemoInBatches = writeDemo
