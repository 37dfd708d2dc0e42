package consensus

// What the package's own tests look at.
type AnnotationLine = annotationLine
