package provider

import (
	"encoding/json"
	"time"
)

// event is a line of the provider's own journal. What it knows follows from
// these and from the time.
type event struct {
	File   *fileRecord  `json:"file,omitempty"`
	Batch  *BatchRecord `json:"batch,omitempty"`  // received, and not always applied
	Cancel string       `json:"cancel,omitempty"` // the batch
	Delete string       `json:"delete,omitempty"` // the file
	Remove string       `json:"remove,omitempty"` // the batch, with its results
	// Meddled is a batch of somebody else that the client was not to touch.
	Meddled string `json:"meddled,omitempty"`
	With    string `json:"with,omitempty"` // the call that it was touched with
	// Release says that the rival gives up its batches that do not end.
	Release bool      `json:"release,omitempty"`
	At      time.Time `json:"at"`
}

// fileRecord is a file. Its content lies beside, under its id.
type fileRecord struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Purpose string    `json:"purpose"`
	Batch   string    `json:"batch,omitempty"` // whose results it has
	Bytes   int64     `json:"bytes"`
	Created time.Time `json:"created"`
	Listed  time.Time `json:"listed"` // from then on
	deleted bool
}

// BatchRecord is a batch with all that is going to happen to it.
type BatchRecord struct {
	ID       string          `json:"id"`
	N        int             `json:"n"`
	Input    string          `json:"input"`
	Endpoint string          `json:"endpoint"`
	Metadata json.RawMessage `json:"metadata"` // or else what all its rows have in common, which nobody gets to see

	Workspace string `json:"workspace,omitempty"`
	Foreign   bool   `json:"foreign,omitempty"` // the rival's, and on another bill
	Never     bool   `json:"never,omitempty"`   // the rival's, which does not end, or has no results, until it is released

	Received time.Time `json:"received"`
	Created  time.Time `json:"created"` // when it is applied
	Late     bool      `json:"late"`    // after the client's grace
	Listed   time.Time `json:"listed"`  // from then on
	Unknown  time.Time `json:"unknown"` // 404 until then
	Odd      time.Time `json:"odd"`     // in a status that nobody knows, until then
	Running  time.Time `json:"running"`
	RanAll   time.Time `json:"ran_all"`
	End      time.Time `json:"end"`
	Output   time.Time `json:"output"` // the names of its files are there from then on
	Counts   time.Time `json:"counts"` // likewise

	Status  string       `json:"status"` // in the end
	Refusal []refusal    `json:"refusal,omitempty"`
	Rows    []row        `json:"-"`    // of its input
	Fates   string       `json:"fate"` // a letter each
	Stop    time.Time    `json:"-"`    // when it was cancelled
	Ran     int          `json:"-"`    // rows, so far
	files   [2]string    // output and errors
	done    bool         // its files are written
	removed bool         // with its results
	counted map[byte]int // rows by their fates, once it has ended
	raw     jsonObject   // what others have written is as it is
}

type jsonObject = map[string]any

// row is a request as it was uploaded.
type row struct {
	CustomID string          `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
	question string
	wrong    string // why it fails as it runs
}

type refusal struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	Line    *int    `json:"line"`
}

// Charge is a record of the bill: a row that was executed and answered.
type Charge struct {
	At       time.Time `json:"at"`
	CustomID string    `json:"custom_id"`
	Batch    string    `json:"batch"`
	Late     bool      `json:"late"`     // as the batch is
	Vanished bool      `json:"vanished"` // nobody ever gets to see the answer
	Question string    `json:"question"`
	Body     string    `json:"body"`
	Answer   string    `json:"answer"`
}

// The fates of a row.
const (
	fine      = 'o'
	repeated  = 'd' // fine, and twice in the file
	foreign   = 'f' // fine, and a line of nobody beside it
	bad       = 'b'
	failed    = '5'
	limited   = '4'
	mistaken  = 'e' // failed, under 200
	flawed    = 'n' // executed and no answer, as the verdict on the question says
	timeout   = 't'
	status0   = '0'
	missing   = 'm'
	neverSaid = 'x' // never ran, and says so
	neverMute = 'y' // never ran, and stands nowhere
	vanished  = 'v' // executed and answered, and stands nowhere
)

// runs reports whether a row with this fate is executed and answered.
func runs(fate byte) bool {
	return fate == fine || fate == repeated || fate == foreign || fate == flawed || fate == vanished
}

// status is the word for a batch at a time.
func (b *BatchRecord) status(now time.Time) string {
	switch {
	case !now.Before(b.End):
		return b.Status
	case !b.Stop.IsZero():
		return "cancelling"
	case now.Before(b.Running):
		return "validating"
	case now.Before(b.RanAll):
		return "in_progress"
	}
	return "finalizing"
}

// ranBy is how many rows were executed by then.
func (b *BatchRecord) ranBy(now time.Time) int {
	if len(b.Refusal) > 0 || b.Status == "failed" || now.Before(b.Running) {
		return 0
	}
	if !b.Stop.IsZero() && now.After(b.Stop) {
		now = b.Stop
	}
	whole := b.RanAll.Sub(b.Running)
	if whole <= 0 || !now.Before(b.RanAll) {
		return len(b.Rows)
	}
	return int(float64(len(b.Rows)) * (float64(now.Sub(b.Running)) / float64(whole)))
}

// Charges reads the bill of a provider.
func Charges(dir string) ([]Charge, error) { return readAll[Charge](dir + "/" + billFile) }

// Batches reads which creations a provider received of its client, applied or
// not.
func Batches(dir string) (all []BatchRecord, err error) {
	events, err := readAll[event](dir + "/" + eventFile)
	for _, e := range events {
		if e.Batch != nil && !e.Batch.Foreign {
			all = append(all, *e.Batch)
		}
	}
	return all, err
}

// Rivals are the batches of somebody else beside those of the client.
type Rivals struct {
	Batches, Never int
	Meddled        []string // what the client did to one, and to which
}

// ReadRivals reads what became of the batches of somebody else.
func ReadRivals(dir string) (r Rivals, err error) {
	events, err := readAll[event](dir + "/" + eventFile)
	for _, e := range events {
		switch {
		case e.Meddled != "":
			r.Meddled = append(r.Meddled, e.With+" "+e.Meddled)
		case e.Batch != nil && e.Batch.Foreign:
			r.Batches++
			if e.Batch.Never {
				r.Never++
			}
		}
	}
	return r, err
}

// Left is a file that is still there: an upload with the batches that were made
// of it, or the results of one.
type Left struct {
	File, Name string
	Result     bool
	Batches    []string
}

// LeftFiles reads which files were not deleted.
func LeftFiles(dir string) ([]Left, error) {
	events, err := readAll[event](dir + "/" + eventFile)
	if err != nil {
		return nil, err
	}
	var order []string
	left := make(map[string]*Left)
	foreign := make(map[string]bool)
	for _, e := range events {
		switch {
		case e.Batch != nil && e.Batch.Foreign:
			foreign[e.Batch.ID] = true
		case e.File != nil && foreign[e.File.Batch]:
		case e.Remove != "":
			delete(left, resultFile(e.Remove, 0))
		case e.File != nil:
			f := &Left{File: e.File.ID, Name: e.File.Name, Result: e.File.Purpose != "batch"}
			if f.Result {
				f.Batches = []string{e.File.Batch}
			}
			left[f.File] = f
			order = append(order, f.File)
		case e.Batch != nil && left[e.Batch.Input] != nil:
			left[e.Batch.Input].Batches = append(left[e.Batch.Input].Batches, e.Batch.ID)
		case e.Delete != "":
			delete(left, e.Delete)
		}
	}
	var all []Left
	for _, id := range order {
		if left[id] != nil {
			all = append(all, *left[id])
		}
	}
	return all, nil
}
