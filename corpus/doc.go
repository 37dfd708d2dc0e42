// Package corpus keeps the collections that challenges are made of: their
// images with what is on record of each, the renderings that are served, the
// keywords in several languages, and who is to be credited.
//
// [Store] is the database's side. It knows nothing of files; every change
// raises its revision in the same transaction, so that servers notice it.
//
// [Import] is the way in. An [Importer] reads one format and yields pages, each
// with the items to be cut from it; one pipeline decodes, cuts, renders and
// stores them, whatever the format:
//
//	Importer --Page{Items}--> decode once --> cut --> judge --> renderings --> Store, in batches
//
// [Rules] say what fits a challenge; what does not is left out with its reason.
// [Check] says what a collection lacks, [Store.Retire] takes images out of use.
//
// An image's id is made from the collection, the bytes of its file, its box and
// its outline alone; of what is fetched, from its address. The same import again
// therefore changes nothing, an interrupted one continues, and no id tells which
// images are known.
//
// [Format] lists what is read. The packages below this one know the formats and
// nothing of collections; what an image is and what is on record of it is
// decided by the importers here:
//
//	page, alto   transcribed pages     sheets: a word or line with its outline is an image
//	iiif         manifests             canvases: an annotation is an image, fetched by package fetch
//	(tables)     manifest, labels      manifest: a line is an image
//	(folders)    named for their content   labels: a picture is an image
//	zooniverse   answers elsewhere     classifications: votes, no images
//
// [Export] is the way out. What votes have decided, and what is on record, goes
// back in the formats that it came in; where an image stands is found out by
// reading the source as an import does, because ids are made from places:
//
//	records (store) + places (source, read again) --> sheets filled or new, annotations, a table
//
// Everything that a stranger's file says is bounded: bytes, depth, numbers of
// elements, points, pixels. Files are opened within the folder and nowhere else.
//
// # A folder with a table
//
// The table is manifest.csv or manifest.tsv, or the only .csv or .tsv beside
// keywords.csv and collection.csv; UTF-8, separated by commas, tabs (.tsv) or
// semicolons. Its first line names the columns, in any order:
//
//	file             the picture, relative to the folder; required
//	known (role)     yes, true, 1, known; no, false, 0, unknown; required
//	kind             transcription or classification; may be left out where a text or keyword tells
//	text             the text of a known transcription
//	keyword          the keywords of a classification, separated by |; of an unknown image those to
//	                 ask about, none meaning any
//	labels_complete  yes where a known image shows no other keyword
//	x, y, w, h       a box in pixels: one picture file may have many lines, each with its own
//	document         what belongs together; otherwise the source, otherwise the file
//	iiif             the picture's address, where it is not in the folder
//	credit, source (source_url), shelfmark, page, licence, canvas, region: where the image comes from
//	outline          a polygon within the box: "x,y x,y …"
//	guess, prior     of an unknown text: a machine's reading, and its probability
//	image_id         of an image of the collection, which the line is then about
//
// keywords.csv (keyword, lang, label) gives keywords in several languages,
// collection.csv (title, credit) has one line about the collection.
//
// Nothing that is imported is served as it came: every rendering is drawn anew
// by package corpus/rendering, in one size for all and without metadata.
package corpus
