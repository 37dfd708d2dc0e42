package corpus

// WriteDemoInBatches is WriteDemo with batches so small that a test can
// interrupt it early.
var WriteDemoInBatches = writeDemo

// What becomes of a page before it is rendered, and what names it.
var (
	CutOutline = cutOutline
	Scaled     = scaled
	ImageID    = imageID
)
