package node

// What the package's own tests look at.
const ArchivePatience = archivePatience
const DemoClient = demoClient
const DrainPatience = drainPatience
const WorkKey = workKey

var NewLogger = newLogger
