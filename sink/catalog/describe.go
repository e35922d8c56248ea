package catalog

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/balerhq/baler/sink"
)

// Description is what a provider is and can do, as its entry and its client
// have it.
type Description struct {
	Name            string          `json:"name"`
	Keys            []string        `json:"keys"` // variables that may hold the key
	BaseURL         string          `json:"base_url"`
	BaseURLVariable string          `json:"base_url_variable,omitempty"`
	Models          []string        `json:"models"` // how their names begin
	Endpoints       []string        `json:"endpoints"`
	Row             []string        `json:"row"`                        // members of a row in its batch format
	Rows            int             `json:"rows,omitempty"`             // most in a batch
	Bytes           int64           `json:"bytes,omitempty"`            // most in a batch
	WindowHours     float64         `json:"window_hours,omitempty"`     // within which it ends a batch
	EnqueuedTokens  int64           `json:"enqueued_tokens,omitempty"`  // most that an account may have, of a model
	EnqueuedRows    int             `json:"enqueued_rows,omitempty"`    // most that an account may have
	EnqueuedBatches int             `json:"enqueued_batches,omitempty"` // most that an account may have
	Tag             sink.TagSupport `json:"tag"`                        // where it is kept
	PartialResults  bool            `json:"partial_results"`
	Files           bool            `json:"files"`                       // rows are uploaded as files
	StoredFiles     []string        `json:"stored_files,omitempty"`      // kinds of files that rows may refer to
	StoredFileHours float64         `json:"stored_file_hours,omitempty"` // for how long they are kept, if that has an end
	Price           string          `json:"price"`                       // "half" of the synchronous one, or "full"
	Caveats         []string        `json:"caveats,omitempty"`
}

// Describe describes a provider that has a client. It makes no call and needs
// no key.
func (p *Provider) Describe() (Description, error) {
	client, err := p.Connect("none", Config{})
	if err != nil {
		return Description{}, err
	}
	info, limits := client.Info(), client.Limits("")
	d := Description{
		Name: p.Name, Keys: p.Keys, BaseURL: p.BaseURL, BaseURLVariable: p.BaseURLVariable, Models: p.Models, Endpoints: p.Endpoints,
		Row: []string{p.Row.ID, p.Row.Body}, Rows: limits.Rows, Bytes: limits.Bytes, WindowHours: limits.Window.Hours(),
		EnqueuedTokens: limits.Enqueued.Tokens, EnqueuedRows: limits.Enqueued.Rows, EnqueuedBatches: limits.Enqueued.Batches,
		Tag: info.Tags, PartialResults: info.PartialResults, Files: info.Files, Price: "half", Caveats: p.Caveats,
	}
	d.describeStore(info.FileStore)
	if p.Row.Endpoint == nil {
		d.Row = []string{p.Row.ID, "method", "url", p.Row.Body}
	}
	if info.Live {
		d.Price = "full"
	}
	return d, nil
}

// kinds are those of files, with a media type of each.
var kinds = []struct{ name, mediaType string }{{"PDF", "application/pdf"}, {"images", "image/png"}, {"text", "text/plain"}}

// describeStore describes a store, nil if the provider has none.
func (d *Description) describeStore(store sink.FileStore) {
	if store == nil {
		return
	}
	d.StoredFileHours = store.Keeps().Hours()
	for _, kind := range kinds {
		if store.Takes(kind.mediaType) {
			d.StoredFiles = append(d.StoredFiles, kind.name)
		}
	}
}

// storedFiles says which files rows may refer to, and for how long.
func (d *Description) storedFiles() string {
	if len(d.StoredFiles) == 0 {
		return "none"
	}
	names := strings.Join(d.StoredFiles, ", ")
	if d.StoredFileHours > 0 {
		names += ", for " + count(int64(d.StoredFileHours), " hours")
	}
	return names
}

// Feature is a property of a provider, in words.
type Feature struct{ Name, Value string }

// Features are what distinguishes providers, in the same order for all.
func (d *Description) Features() []Feature {
	return []Feature{
		{"key", strings.Join(d.Keys, ", ")},
		{"address", d.address()},
		{"models", strings.Join(d.Models, "..., ") + "..."},
		{"endpoints", strings.Join(d.Endpoints, ", ")},
		{"a row of its batch format", "{" + strings.Join(d.Row, ", ") + "}"},
		{"rows in a batch", count(int64(d.Rows), "")},
		{"bytes in a batch", size(d.Bytes)},
		{"time for a batch", count(int64(d.WindowHours), " hours")},
		{"enqueued by an account", d.enqueued()},
		{"rows are sent", either(d.Files, "as a file", "with the batch")},
		{"files that rows may refer to", d.storedFiles()},
		{"an unanswered creation is found by", foundBy(d.Tag)},
		{"results while a batch runs", either(d.PartialResults, "yes", "no")},
		{"price of a batch", d.Price},
	}
}

func (d *Description) address() string {
	if d.BaseURLVariable == "" {
		return d.BaseURL
	}
	return d.BaseURL + ", or " + d.BaseURLVariable
}

// enqueued says how much an account may have enqueued.
func (d *Description) enqueued() string {
	var most []string
	for _, limit := range []struct {
		n    int64
		unit string
	}{{d.EnqueuedTokens, " tokens of a model"}, {int64(d.EnqueuedRows), " rows"}, {int64(d.EnqueuedBatches), " batches"}} {
		if limit.n > 0 {
			most = append(most, count(limit.n, limit.unit))
		}
	}
	if len(most) == 0 {
		return "learned from refusals"
	}
	return strings.Join(most, ", ")
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// foundBy says how a batch is found whose creation was not answered.
func foundBy(tags sink.TagSupport) string {
	switch tags {
	case sink.TagMetadata:
		return "its tag, in the metadata"
	case sink.TagName:
		return "its tag, as the display name"
	case sink.TagNone:
		return "size and time, and the ids of its rows"
	}
	return "asking for it"
}

// count is a number with commas, and "no limit" if it is 0.
func count(n int64, unit string) string {
	if n == 0 {
		return "no limit"
	}
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits + unit
}

func size(bytes int64) string {
	if bytes%1_000_000_000 == 0 {
		return count(bytes/1_000_000_000, " GB")
	}
	if bytes < 1_000_000 {
		return count(bytes, " bytes")
	}
	return count(bytes/1_000_000, " MB")
}

// Table compares providers in Markdown: a row for each feature in which they
// differ, and a sentence with those that all share.
func Table(all []Description) string {
	var head, rows, same strings.Builder
	head.WriteString("| |")
	for i := range all {
		fmt.Fprintf(&head, " %s |", all[i].Name)
	}
	head.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for f, feature := range all[0].Features() {
		cells, differ := make([]string, len(all)), len(all) == 1
		for i := range all {
			cells[i] = all[i].Features()[f].Value
			differ = differ || cells[i] != feature.Value
		}
		if differ {
			fmt.Fprintf(&rows, "| %s | %s |\n", feature.Name, strings.Join(cells, " | "))
		} else {
			fmt.Fprintf(&same, "; %s: %s", feature.Name, feature.Value)
		}
	}
	table := head.String() + rows.String()
	if same.Len() > 0 {
		table += "\nThe same for all: " + strings.TrimPrefix(same.String(), "; ") + ".\n"
	}
	return table
}
