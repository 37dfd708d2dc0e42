package quarantine

// What the package's own tests look at.
type QuarantineView = quarantineView
