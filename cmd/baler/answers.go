package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm"
)

// answers are the flags that say what answers have to look like.
type answers struct {
	schemaFile string
	checkText  string
	reasks     int
	truncated  int

	answer llm.Answer // of the schema
	check  func(key string, reply llm.Reply) error
}

func (a *answers) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.schemaFile, "schema", "", "file with the JSON Schema of the answers, which every route is asked for in the form that it takes; results have the value")
	f.StringVar(&a.checkText, "check", "", "what every answer must pass: a /regular expression/ that it matches, or a command without a shell that gets it on standard input and fails if it is wrong; a command is started once an answer")
	f.IntVar(&a.reasks, "reasks", durable.DefaultReasks, "how often a row is asked again whose answer does not meet the --schema or the --check, with what is wrong")
	f.IntVar(&a.truncated, "retry-truncated", 0, "ask again for an answer that was cut off at its limit of tokens, with twice as many as it had, up to this number (default: it fails)")
}

// validate reads the schema and the check.
func (a *answers) validate() (err error) {
	if a.reasks < 0 {
		return usage("--reasks is %d: must not be negative", a.reasks)
	}
	if a.truncated < 0 {
		return usage("--retry-truncated is %d: must not be negative", a.truncated)
	}
	if a.schemaFile != "" {
		text, err := os.ReadFile(a.schemaFile)
		if err != nil {
			return usage("--schema: %w", err)
		}
		if err := a.use(nameOfSchema(a.schemaFile), text); err != nil {
			return usage("--schema %s: %w", a.schemaFile, err)
		}
	}
	if a.checkText != "" {
		if a.check, err = parseCheck(a.checkText); err != nil {
			return usage("--check: %w", err)
		}
	}
	return nil
}

// use takes a schema. Its form does not count, so that a file may be indented
// anew.
func (a *answers) use(name string, text []byte) error {
	var compact bytes.Buffer
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil { // which says where
		return notJSON(text, err)
	}
	if err := json.Compact(&compact, text); err != nil {
		return fmt.Errorf("the file is not JSON: %w", err)
	}
	a.answer = llm.JSONSchema(llm.Schema{Name: name, JSON: compact.Bytes()})
	_, err := a.answer.Schema()
	return err
}

// notJSON says where a text ceases to be JSON.
func notJSON(text []byte, err error) error {
	at := len(text)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = min(at, int(syntax.Offset))
	}
	return fmt.Errorf("the file is not JSON: line %d: %w", 1+bytes.Count(text[:at], []byte("\n")), err)
}

// nameOfSchema is what providers call a schema: as its file, as far as they
// take the characters.
func nameOfSchema(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(name) {
		return "" // the codec's
	}
	return name
}

// set adds what must be the same at each start. The job keeps the schema.
func (a *answers) set(settings map[string]string) {
	if a.checkText != "" {
		settings["--check"] = a.checkText
	}
}

// takeOver takes the schema of another run, unless there is one.
func (a *answers) takeOver(first *archive.Archive) error {
	if text := first.Schema(); a.schemaFile == "" && text != nil {
		return a.use("", text)
	}
	return nil
}

func (a *answers) apply(job *durable.Job[source.Row]) {
	job.Answer, job.Check, job.Reasks, job.RetryTruncated = a.answer, a.check, a.reasks, a.truncated
	if a.reasks == 0 {
		job.Reasks = -1
	}
}

// parseCheck reads a regular expression between slashes, or a command.
func parseCheck(text string) (func(string, llm.Reply) error, error) {
	if inner, ok := strings.CutPrefix(text, "/"); ok && len(inner) > 1 && strings.HasSuffix(inner, "/") {
		pattern, err := regexp.Compile(strings.TrimSuffix(inner, "/"))
		if err != nil {
			return nil, err
		}
		return func(_ string, r llm.Reply) error {
			if !pattern.MatchString(r.Text) {
				return fmt.Errorf("it does not match %s", text)
			}
			return nil
		}, nil
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, errors.New("is empty: give a /regular expression/ or a command")
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, fmt.Errorf("there is no command %q: name a program, or write a /regular expression/ between slashes", words[0])
	}
	return func(key string, r llm.Reply) error { return runCheck(path, words[1:], key, r.Text) }, nil
}

// checkRuns is how often a check is run that does not end by itself: Ctrl-C in
// a terminal reaches it, too.
const checkRuns = 3

// runCheck starts the command for an answer. What it prints is what is wrong.
func runCheck(path string, args []string, key, answer string) (err error) {
	var out bytes.Buffer
	for range checkRuns {
		out.Reset()
		cmd := exec.Command(path, args...) //nolint:noctx // it ends when its input does
		cmd.Env = append(os.Environ(), "BALER_ID="+key)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(answer), limited(&out), limited(&out)
		if err = cmd.Run(); err == nil {
			return nil
		}
		if failed, is := errors.AsType[*exec.ExitError](err); is && failed.Exited() {
			break
		}
	}
	if text := printable.Line(strings.TrimSpace(out.String()), maxCheckText); text != "" {
		return errors.New(text)
	}
	return fmt.Errorf("%s says so: %w", filepath.Base(path), err)
}

// maxCheckText is how much of what a check prints counts, in bytes.
const maxCheckText = 1000

// limited returns a writer that forgets what is too much.
func limited(b *bytes.Buffer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		b.Write(p[:min(len(p), max(0, maxCheckText-b.Len()))])
		return len(p), nil
	})
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// planned says how a route is asked for the schema.
func (a *answers) planned(route durable.Route) (lines []string) {
	codec := route.Provider.Info().Codec
	if a.answer == nil || codec == nil {
		return nil
	}
	schema, err := a.answer.Schema()
	if err != nil {
		return nil // durable has said it
	}
	lowered, err := codec.Lower(schema)
	if err != nil {
		return nil
	}
	if len(lowered.Moved) > 0 {
		lines = append(lines, "this part of the schema is sent as text, and the answer is checked: "+printable.Line(strings.Join(lowered.Moved, ", "), 256))
	}
	return append(lines, lowered.Warnings...)
}

// tellSchema says at the start of a run how its routes are asked for the
// schema, as far as that is not word for word.
func (o *options) tellSchema(job durable.Job[source.Row], tell func(string)) {
	for _, r := range o.plannedRoutes(job) {
		who := r.name
		if !o.routing.given() {
			who = r.route.Provider.Info().Name
		}
		for _, line := range o.answers.planned(r.route) {
			tell(who + ": " + line)
		}
	}
}
