package markup

import "io"

// Limited bounds a reader as a file is bounded, at a size that a test can read.
func Limited(r io.Reader, bytes int64) io.Reader { return &limit{r: r, left: bytes} }
