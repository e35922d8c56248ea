package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/template/parse"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/document"
)

// attach are the flags that say which files go with a row.
type attach struct {
	files   fileTemplates
	cite    bool
	anyFile bool
	upload  string

	paths []*filePath
	seen  filesSeen
}

const (
	fileFlag = "--file"
	citeFlag = "--cite"
)

func (a *attach) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.Var(&a.files, "file", "path of a file that goes with the row, as a template of its fields, as in --file '{{.path}}': PNG, JPEG, GIF, WebP, PDF, DOCX or text; a URL, which the provider fetches; or id:ID of a file that the provider has, with the id: in the template; may be given for several; an empty path is none")
	f.BoolVar(&a.cite, "cite", false, "ask for citations of the --file documents; the output has them")
	f.BoolVar(&a.anyFile, "any-file", false, "leave it to the provider which files it takes, whatever its documents say of types, sizes and pages")
	f.StringVar(&a.upload, "file-upload", string(durable.FileUploadNever), "which --file files are uploaded once, for rows to refer to, and deleted when the run has ended: never, auto (of 1 MiB or more, or in several rows of a batch; rows have a file themselves that the provider does not store) or always (rows with such a file fail); OpenAI and Mistral take PDFs so, Anthropic and Gemini also images and texts")
}

// fileTemplates are the templates of paths, as --file has them.
type fileTemplates []string

// String implements pflag.Value. It is what a run remembers.
func (t *fileTemplates) String() string {
	if len(*t) == 0 {
		return ""
	}
	list, _ := json.Marshal(*t) //nolint:errchkjson // texts cannot fail
	return string(list)
}

// Set implements pflag.Value. It takes one template, or all that a run has
// remembered.
func (t *fileTemplates) Set(text string) error {
	var list []string
	switch {
	case strings.HasPrefix(text, `["`) && json.Unmarshal([]byte(text), &list) == nil:
		*t = append(*t, list...)
	case strings.TrimSpace(text) == "":
		return errors.New("must be a path, such as {{.path}}")
	default:
		*t = append(*t, text)
	}
	return nil
}

// Type implements pflag.Value.
func (t *fileTemplates) Type() string { return "template" }

// validate reads the templates.
func (a *attach) validate(o *options) error {
	switch {
	case len(a.files) == 0 && a.cite:
		return usage("--cite needs a --file: name the documents")
	case len(a.files) == 0 && a.anyFile:
		return usage("--any-file needs a --file")
	case len(a.files) == 0 && a.upload != string(durable.FileUploadNever):
		return usage("--file-upload needs a --file")
	case !slices.Contains(fileUploads, a.upload):
		return usage("--file-upload is %q: must be %s", a.upload, orList(fileUploads))
	case len(a.files) > 0 && !o.asksChats():
		return usage("--file needs a --prompt or --messages-field: say what is asked about the file")
	case len(a.files) > 0 && o.rowsPerRequest > 1:
		return usage("--rows-per-request shares requests among short texts, and --file gives each row files of its own: leave one of them out")
	}
	a.paths = nil
	for _, text := range a.files {
		p, err := newFilePath(text)
		if err != nil {
			return err
		}
		a.paths = append(a.paths, p)
	}
	return nil
}

// fileUploads are the values of --file-upload.
var fileUploads = []string{string(durable.FileUploadNever), string(durable.FileUploadAuto), string(durable.FileUploadAlways)}

// filePath makes a path of a row, or another name of a file.
type filePath struct {
	*prompt
	below  string // the directory that the template begins with, "" if with a field
	isID   bool   // it is the id of a file that the provider has
	varies bool   // rows may have different files
}

// idPrefix begins the templates of ids. No row can say that it has one: the
// files of an account are not for anybody who writes a row.
const idPrefix = "id:"

// isWeb reports whether a name is a URL.
func isWeb(name string) bool {
	return strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://")
}

func newFilePath(text string) (*filePath, error) {
	p, used, err := newTemplate(fileFlag, text)
	if err != nil {
		return nil, err
	}
	f := &filePath{prompt: p, varies: used, isID: strings.HasPrefix(text, idPrefix)}
	if f.isID || isWeb(text) {
		return f, nil
	}
	if len(p.template.Root.Nodes) > 1 {
		if begin, is := p.template.Root.Nodes[0].(*parse.TextNode); is {
			if at := strings.LastIndexByte(string(begin.Text), '/'); at >= 0 {
				f.below = string(begin.Text[:at+1])
			}
		}
	}
	return f, nil
}

// of returns the part of a row, nil if it has none. What a row says does not
// lead out of the directory that the template begins with.
func (f *filePath) of(fields map[string]any) (*llm.Part, error) {
	text, err := f.fill(fields)
	switch {
	case errors.Is(err, errNoText):
		return nil, nil //nolint:nilnil // an empty path is no file
	case err != nil:
		return nil, fmt.Errorf("%s: %w", fileFlag, err)
	}
	text = strings.TrimSpace(text)
	var part llm.Part
	switch id, _ := strings.CutPrefix(text, idPrefix); {
	case f.isID && id == "":
		return nil, nil //nolint:nilnil // nor is an empty id
	case f.isID:
		part.Document = &llm.File{ID: id}
	case f.below == "" && isWeb(text):
		part = llm.FromURL(text)
	default:
		path := filepath.Clean(text)
		if rest, err := filepath.Rel(filepath.Clean(f.below), path); f.below != "" && (err != nil || !filepath.IsLocal(rest)) {
			return nil, fmt.Errorf("%s: %q is not below %q, with which the template begins", fileFlag, path, f.below)
		}
		part = llm.FromPath(path)
	}
	return &part, nil
}

// to adds the files of a row to what the user says last in a chat, before its
// text.
func (a *attach) to(chat llm.Chat, fields map[string]any) (llm.Chat, error) {
	var parts []llm.Part
	for _, p := range a.paths {
		part, err := p.of(fields)
		if err != nil {
			return chat, err
		}
		if part == nil {
			continue
		}
		if a.cite {
			*part = part.Cited()
		}
		parts = append(parts, *part)
	}
	if len(parts) == 0 {
		return chat, nil
	}
	chat.Messages = slices.Clone(chat.Messages)
	for i := range slices.Backward(chat.Messages) {
		m := &chat.Messages[i]
		if m.Role != llm.RoleUser && m.Role != "" {
			continue
		}
		if m.Text != "" {
			parts = append(parts, llm.Part{Text: m.Text})
		}
		m.Text, m.Parts = "", append(parts, m.Parts...)
		return chat, nil
	}
	return chat, errors.New("--file: no message of the row is the user's")
}

// set adds what must be the same at each start.
func (a *attach) set(settings map[string]string) {
	if len(a.files) > 0 {
		settings[fileFlag] = a.files.String()
	}
	if a.cite {
		settings[citeFlag] = "true"
	}
}

// attachOf returns the flags of a run.
func attachOf(settings map[string]string) (a attach) {
	a.upload = string(durable.FileUploadNever)
	_ = json.Unmarshal([]byte(settings[fileFlag]), &a.files) // "" is none
	a.cite = settings[citeFlag] != ""
	return a
}

// apply lets a job tell of the files.
func (a *attach) apply(job *durable.Job[source.Row], tell func(string)) {
	if len(a.files) == 0 {
		return
	}
	a.seen.tell = tell
	job.AnyFile, job.FileUpload = a.anyFile, durable.FileUpload(a.upload)
	job.Attached = a.seen.add
}

// vary reports whether rows differ by their files, so that all may be asked the
// same about them.
func (a *attach) vary() bool {
	return slices.ContainsFunc(a.paths, func(p *filePath) bool { return p.varies })
}

// filesSeen counts the files of the rows.
type filesSeen struct {
	tell                    func(string)
	files, pages, surprises int
}

// maxSurprises is how many warnings about files are told.
const maxSurprises = 10

// add is told of a file before anything is bought.
func (s *filesSeen) add(row source.Row, f document.Info) {
	s.files++
	s.pages += f.Pages
	warning := f.Warning()
	if warning == "" {
		return
	}
	switch s.surprises++; {
	case s.surprises <= maxSurprises:
		s.tell(place(row) + ": " + warning)
	case s.surprises == maxSurprises+1:
		s.tell("more files that surprise are not told")
	}
}

// describe tells of the files in a plan.
func (s *filesSeen) describe(w io.Writer) {
	if s.files == 0 {
		return
	}
	fmt.Fprintf(w, "files\t%s%s%s\n", thousands(s.files), countIf(s.pages, ", of which PDFs have ", "page", "pages"), noteIf(s.surprises, ", and %s with a warning"))
}
