package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/llm"
)

// The forms that results have.
const (
	formLines = "jsonl"
	formCSV   = "csv"
	formFiles = "json-dir"
)

// resultForm are the flags that say what results look like.
type resultForm struct {
	kind    string   // one of the forms; "" until it is chosen
	keep    []string // fields of a row
	ordered bool

	given   bool               // the command names the kind
	columns durable.CSVColumns // of CSV
}

// keepAll is --keep-fields for all of them.
const keepAll = "all"

// formUsage is the help of --output-format.
const formUsage = "form of the results: " + formLines + ", " + formCSV + ", or " + formFiles +
	", a directory with a file for each row (default: as the name of --out says, which ends in .csv or / or is a directory)"

func (f *resultForm) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "output-format", "", formUsage)
	flags.StringSliceVar(&f.keep, "keep-fields", nil, `fields of a row that its result repeats, as in lang,customer, or all; at most 4 KiB a row; in "meta", or columns of a CSV file`)
	flags.BoolVar(&f.ordered, "ordered", false, "write --out once the run has ended, in the order of the input; takes 24 bytes of memory a row")
}

// choose finds out which form the results have that go to a place.
func (f *resultForm) choose(out string) error {
	f.given = f.kind != ""
	switch f.kind {
	case "":
		f.kind = formOf(out)
	case formLines, formCSV, formFiles:
	default:
		return usage("--output-format is %q: must be %s, %s or %s", f.kind, formLines, formCSV, formFiles)
	}
	return nil
}

// formOf is the form that the name of an output says.
func formOf(out string) string {
	info, err := os.Stat(out)
	switch {
	case strings.HasSuffix(out, "/"), strings.HasSuffix(out, string(filepath.Separator)), err == nil && info.IsDir():
		return formFiles
	case strings.EqualFold(filepath.Ext(out), ".csv"):
		return formCSV
	}
	return formLines
}

// validate refuses what an output cannot do.
func (f *resultForm) validate(o *options) error {
	if err := f.choose(o.out); err != nil {
		return err
	}
	_, isStream := descriptor(o.out)
	if info, err := os.Stat(o.out); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		isStream = true
	}
	switch {
	case isStream && f.kind != formLines:
		return usage("--output-format %s needs a file: write one, or pipe what \"baler results --output-format csv\" prints", f.kind)
	case isStream && f.ordered:
		return usage(`--ordered needs a file: write one, or pipe what "baler results --ordered" prints`)
	case f.ordered && f.kind == formFiles:
		return usage("--ordered is for a file: a directory has no order")
	case slices.Contains(f.keep, keepAll) && len(f.keep) > 1:
		return usage("--keep-fields: all is all fields: name no other")
	case slices.Contains(f.keep, ""):
		return usage("--keep-fields has an empty name")
	}
	return nil
}

// prepare decides about the columns of a CSV file, which are those of the first
// row if it keeps all fields.
func (f *resultForm) prepare(o *options, dialect source.CSVFormat, tell func(string)) error {
	if len(f.keep) == 0 {
		return nil
	}
	names, err := firstFields(o.source(dialect))
	if err != nil {
		return nil //nolint:nilerr // the run says what is wrong with its input
	}
	f.columns.Meta = f.keep
	if f.all() {
		f.columns.Meta = names
	}
	tellMissing("--keep-fields", f.columns.Meta, names, tell)
	if f.kind != formCSV {
		return nil
	}
	if err := f.columns.Check(); err != nil {
		return usage("--keep-fields names two columns alike: %w", err)
	}
	return nil
}

// mustFit refuses another form than that of the results which --append adds to.
func (f *resultForm) mustFit(o *options) error {
	if !o.inputs.appends || o.settingOfRun("--out") != outputSetting(o.out) {
		return nil
	}
	if info, err := os.Stat(o.out); err == nil && !info.IsDir() && info.Size() == 0 || errors.Is(err, fs.ErrNotExist) {
		return nil // they were taken away
	}
	now := make(map[string]string)
	f.set(now)
	for _, name := range []string{"--output-format", settingColumns} {
		if was := o.settingOfRun(name); was != now[name] && !strings.HasPrefix(was, "sha256:") { // a long one
			return usage("%s has results with %s %q, and now it is %q: keep it (--keep-fields, --output-format), or give another --out", o.out, name, was, now[name])
		}
	}
	return nil
}

func (f *resultForm) all() bool { return len(f.keep) == 1 && f.keep[0] == keepAll }

// tellMissing tells which fields of a flag the first row lacks, though others
// may have them.
func tellMissing(flag string, fields, names []string, tell func(string)) {
	for _, name := range fields {
		if !slices.Contains(names, name) {
			tell(fmt.Sprintf("%s: the first row has no field %q%s", flag, name, listed(names)))
		}
	}
}

// firstFields returns the fields of the first row, in their order.
func firstFields(rows durable.Source[source.Row]) (names []string, err error) {
	for row, err := range rows.Items() {
		if err != nil {
			return nil, err
		}
		for name := range members(row.JSON) {
			names = append(names, name)
		}
		break
	}
	return names, nil
}

// set adds what must be the same at each start.
func (f *resultForm) set(settings map[string]string) {
	if f.given {
		settings["--output-format"] = f.kind
	}
	if len(f.keep) > 0 {
		settings["--keep-fields"] = joinNames(f.keep)
	}
	if f.kind == formCSV {
		settings[settingColumns] = joinNames(f.columns.Meta)
	}
	if f.ordered {
		settings["--ordered"] = "true"
	}
}

// settingColumns is the setting of a run with the columns of its fields.
const settingColumns = "columns"

// joinNames writes names as --keep-fields takes them.
func joinNames(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(names) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// splitNames is the inverse of joinNames.
func splitNames(text string) []string {
	if text == "" {
		return nil
	}
	names, err := csv.NewReader(strings.NewReader(text)).Read()
	if err != nil {
		return nil // it was not written by joinNames
	}
	return names
}

// apply lets the results of a job repeat fields of their rows.
func (f *resultForm) apply(job *durable.Job[source.Row]) {
	if len(f.keep) == 0 {
		return
	}
	job.Meta = func(row source.Row) any { return f.kept(row) }
	if ask := job.Prompt; ask != nil {
		job.Prompt = func(row source.Row) (llm.Chat, error) { return askUnless(f.check(row), ask, row) }
	}
	if ask := job.Request; ask != nil {
		job.Request = func(row source.Row) (sink.Request, error) { return askUnless(f.check(row), ask, row) }
	}
}

// kept returns the fields of a row that are kept, in their order.
func (f *resultForm) kept(row source.Row) json.RawMessage {
	if f.all() {
		return row.JSON
	}
	object := []byte{'{'}
	for name, value := range members(row.JSON) {
		if !slices.Contains(f.keep, name) {
			continue
		}
		if len(object) > 1 {
			object = append(object, ',')
		}
		quoted, _ := json.Marshal(name) // a text
		object = append(append(append(object, quoted...), ':'), value...)
	}
	return append(object, '}')
}

// maxKept is how many bytes of a row may be kept: a job's limit of the meta of
// an item.
const maxKept = 4 << 10

// check refuses a row that keeps too much, and fields that have no column.
func (f *resultForm) check(row source.Row) error {
	b, err := json.Marshal(f.kept(row))
	if err != nil {
		return err
	}
	if len(b) > maxKept {
		return fmt.Errorf("--keep-fields keeps %s bytes of the row, at most %s: name fewer fields", thousands(len(b)), thousands(maxKept))
	}
	if f.kind != formCSV || !f.all() {
		return nil
	}
	for name := range members(row.JSON) {
		if !slices.Contains(f.columns.Meta, name) {
			return fmt.Errorf("field %q has no column, as the first row lacks it: name the fields that --keep-fields keeps%s", name, listed(f.columns.Meta))
		}
	}
	return nil
}

// listed names the fields of the first row, for an error.
func listed(names []string) string {
	fields := make(map[string]bool, len(names))
	for _, name := range names {
		fields[name] = true
	}
	return fieldList(fields)
}

// open opens the output of a run.
func (f *resultForm) open(path string) (interface {
	durable.Output
	Close() error
}, error,
) {
	switch f.kind {
	case formFiles:
		return durable.OpenFiles(path)
	case formCSV:
		return durable.CSV(path, f.columns)
	}
	return durable.Lines(path)
}

// head and write write results to a file.

func (f *resultForm) head(w io.Writer) error {
	if f.kind == formCSV {
		return f.columns.WriteHead(w)
	}
	return nil
}

func (f *resultForm) write(w io.Writer, r *durable.Result) error {
	if f.kind == formCSV {
		return f.columns.Write(w, r)
	}
	return r.WriteLine(w)
}

// planned tells what the results look like.
func (f *resultForm) planned(out string) string {
	text := map[string]string{formLines: "JSON lines", formCSV: "CSV", formFiles: "a file for each row"}[f.kind]
	if f.ordered {
		text += ", in the order of the input, once the run has ended"
	}
	if len(f.keep) > 0 {
		text += ", with " + strings.Join(f.keep, ", ")
	}
	if out != "" {
		text = out + ": " + text
	}
	return text
}
