package provider

import "slices"

// Faults of a batch, drawn when it is created.
const (
	CreateDelayed  Kind = "create.delayed"  // applied within the grace, and never answered
	CreateLate     Kind = "create.late"     // applied after the grace, and never answered
	ListLag        Kind = "list.lag"        // listed some time after its creation
	BatchHidden    Kind = "status.404"      // unknown for a while
	BatchExpired   Kind = "batch.expired"   // its window ends before all rows ran
	BatchCancelled Kind = "batch.cancelled" // by whoever
	LateOutput     Kind = "batch.lateoutput"
	LateCounts     Kind = "batch.latecounts"
	BatchVanished  Kind = "batch.vanished" // it ran, and has no output file, ever
	Word           Kind = "batch.word"     // in a status that nobody knows, for a while
	RefuseTokens   Kind = "refuse.tokens"
	RefuseFull     Kind = "refuse.full" // as there is no room beside the batches that are open
	RefuseFile     Kind = "refuse.file"
	RefuseCode     Kind = "refuse.code"
	RefuseNull     Kind = "refuse.null"
	RefuseLine     Kind = "refuse.line" // because of a row that is always refused; P is the share of rows
)

// Faults of a row, drawn when its batch is created.
const (
	RowFailed   Kind = "row.5xx"      // ran and failed, and later does not
	RowError    Kind = "row.200error" // so it did, and says it under 200
	RowTimeout  Kind = "row.timeout"  // never ran, and says so
	RowStatus0  Kind = "row.status0"  // never ran: status 0 and an empty body
	RowMissing  Kind = "row.missing"  // never ran, and stands in no file; the counts say so
	RowVanished Kind = "row.vanished" // ran and is on the bill, and stands in no file, ever
	RowRepeated Kind = "row.repeated" // stands there twice
	RowForeign  Kind = "row.foreign"  // stands there, and is of nobody
	RowBad      Kind = "row.bad"      // fails whenever it is asked; P is the share of rows
)

// Faults of a question, which is executed and billed and gets no answer,
// whenever it is asked. P is the share of rows.
const (
	RowCut      Kind = "row.cut"      // the answer reached the limit of tokens
	RowFiltered Kind = "row.filtered" // it was held back
	RowRefused  Kind = "row.refused"  // the model would not
	RowEmpty    Kind = "row.empty"    // it says nothing
	RowSilent   Kind = "row.silent"   // there is none at all
)

// Faults of one call. Its name precedes the dot.
const (
	reset      = ".reset"     // not applied, the connection breaks
	lost       = ".lost"      // applied, the connection breaks
	before     = ".5xx"       // not applied
	after      = ".5xxafter"  // applied, and says 5xx
	tooMany    = ".429"       // not applied, with a Retry-After
	html       = ".html"      // not applied, a page under 200
	htmlAfter  = ".htmlafter" // applied, a page under 200
	empty      = ".empty"     // served, nothing under 200
	denied     = ".401"       // not applied
	slow       = ".slow"      // served after a while
	trickle    = ".trickle"   // served a few bytes at a time
	torn       = ".torn"      // served in part, and the connection breaks
	cut        = ".cut"       // served in part, and the connection ends well
	cutLine    = ".cutline"   // so, at the end of a line
	bom        = ".bom"       // served after a byte order mark
	absent     = ".absent"    // 404
	badFile    = ".nofile"    // 400: the file is not there
	overloaded = ".529"       // not applied
)

// Faults of one call that are not actions of all of them.
const (
	UploadTooLarge Kind = "upload.413"
	StatusWrongID  Kind = "status.wrongid"
	StatusBack     Kind = "status.back" // as it was at first
	CreateTooLarge Kind = "create.413"
	ListCycle      Kind = "list.cycle" // the page before, and there is more
	ListStale      Kind = "list.stale" // as it was a while ago
	ListShuffled   Kind = "list.shuffled"
	ListOverlap    Kind = "list.overlap" // begins with what the last page ended with
	ListForeign    Kind = "list.foreign" // batches of other programs, which write what they like
	FilesLag       Kind = "files.lag"    // an upload is listed some time after
)

// actions of each call of a protocol, in the order in which they are drawn.
var actions = map[string]map[string][]string{
	OpenAI: {
		"upload":  {reset, lost, before, after, tooMany, html, htmlAfter, denied, slow},
		"create":  {reset, lost, before, after, tooMany, html, htmlAfter, empty, denied, slow, badFile},
		"status":  {reset, before, tooMany, html, empty, denied, slow, trickle, torn, cut},
		"list":    {reset, before, tooMany, html, empty, denied, slow, trickle, cut},
		"content": {reset, before, tooMany, html, empty, denied, slow, trickle, torn, cut, bom, absent},
		"files":   {reset, before, html, empty, denied, slow},
		"file":    {reset, before},
		"delete":  {reset, lost, before, after},
		"cancel":  {reset, lost, before, after},
	},
	Anthropic: {
		"create":  {reset, lost, before, after, tooMany, html, htmlAfter, empty, denied, slow, torn, overloaded},
		"status":  {reset, before, tooMany, html, empty, denied, slow, trickle, torn, cut, overloaded},
		"list":    {reset, before, tooMany, html, empty, denied, slow, trickle, torn, cut, overloaded},
		"content": {reset, before, tooMany, html, empty, denied, slow, trickle, torn, cut, cutLine, bom, absent, overloaded},
		"delete":  {reset, lost, before, after, tooMany},
		"cancel":  {reset, lost, before, after, tooMany},
	},
}

// drawn are the faults that are no actions: of batches, rows and lists.
var drawn = []Kind{
	CreateDelayed, CreateLate, ListLag, BatchHidden, BatchExpired, BatchCancelled, LateOutput, LateCounts,
	BatchVanished, RowVanished, Word, RefuseTokens, RefuseFull, RefuseFile, RefuseCode, RefuseNull, RefuseLine, RowFailed, RowError, RowTimeout, RowStatus0, RowMissing,
	RowRepeated, RowForeign, RowBad, RowCut, RowFiltered, RowRefused, RowEmpty, RowSilent, UploadTooLarge, StatusWrongID, StatusBack, ListCycle, ListShuffled, ListOverlap, ListForeign, ListStale, FilesLag,
}

// notAnthropic are those that Anthropic's protocol has no words for: it has no
// files, takes a batch or does not, and reports no status with a row. A batch
// without any results is nobody's there, so that only the rival has some.
var notAnthropic = []Kind{
	BatchVanished, RefuseFile, RefuseCode, RefuseNull, RefuseLine, RowError, RowStatus0, RowFiltered, UploadTooLarge, FilesLag,
}

// Kinds are all faults that a provider of the protocol may have.
func Kinds(protocol string) (all []Kind) {
	for call, list := range actions[protocol] {
		for _, action := range list {
			all = append(all, Kind(call+action))
		}
	}
	slices.Sort(all)
	all = append(all, drawn...)
	if protocol == Anthropic {
		all = slices.DeleteFunc(all, func(k Kind) bool { return slices.Contains(notAnthropic, k) })
	}
	return all
}
