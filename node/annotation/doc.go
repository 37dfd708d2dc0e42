// Package annotation has the votes of visitors decide: on the node that archives it
// counts what is archived, appends what the votes settle to the event log, and brings
// decisions to the collections. What makes the count anew without a node uses the
// functions that the annotator uses.
package annotation
