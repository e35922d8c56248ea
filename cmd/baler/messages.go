package main

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/source"
	"github.com/balerhq/baler/sink/llm"
)

// messages are the flags that say, beside --prompt, what is asked about a row.
type messages struct {
	promptFile   string
	system       string
	field        string // of the messages
	optionsField string
	options      optionsFlag

	attach attach

	chatRows bool // the rows are chats as they are
}

func (m *messages) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&m.promptFile, "prompt-file", "", "file with the --prompt")
	f.StringVar(&m.system, "system", "", "instruction to the model, also as a template; the messages of a row may have their own instead")
	f.StringVar(&m.field, "messages-field", "", `field with the messages of a chat, as in [{"role":"user","content":"..."}]; a --prompt comes after them`)
	f.Var(m.options.number("max_tokens"), "max-tokens", "most tokens of an answer")
	f.Var(m.options.number("temperature"), "temperature", "temperature of the model")
	f.Var(&m.options, "option", "option of the model, as in --option top_p=0.9: JSON, or else a text; @FILE takes it from a file; may be given for several")
	m.attach.flags(cmd)
	f.StringVar(&m.optionsField, "options-field", "", "field with an object of options of the row, which come before those of the flags")
}

// chatField is where chats as they are have their messages.
const chatField = "messages"

// asksChats reports whether chats are made of the rows, which are not in batch
// format then.
func (o *options) asksChats() bool { return o.prompt != "" || o.messages.field != "" }

// validate reads --prompt-file, and refuses what does not fit together.
func (m *messages) validate(o *options) error {
	if m.promptFile != "" {
		if o.prompt != "" {
			return usage("--prompt and --prompt-file are both given: leave one of them out")
		}
		var err error
		if o.prompt, err = readText(m.promptFile); err != nil {
			return usage("--prompt-file: %w", err)
		}
	}
	return m.attach.validate(o)
}

// readText reads a file of text, without the end of its last line.
func readText(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(string(b), "\ufeff"), "\n"), "\r")
	switch {
	case !utf8.ValidString(text):
		return "", errors.New(path + " is not UTF-8")
	case strings.TrimSpace(text) == "":
		return "", errors.New(path + " is empty")
	}
	return text, nil
}

// findChats finds out whether the rows are chats as they are, and takes the
// model from them if the command names none.
func (o *options) findChats(dialect source.CSVFormat, tell func(string)) error {
	m := &o.messages
	o.tellMissingFields(dialect, tell)
	if !o.asksChats() {
		for row, err := range o.source(dialect).Items() {
			m.chatRows = err == nil && isChat(row.JSON) // whatever is wrong is said later
			break
		}
	}
	switch {
	case m.chatRows:
		m.field = chatField
	case !o.asksChats() && o.id != defaultID:
		return usage("--id is %q: it needs a --prompt, because rows in batch format are identified by their custom_id", o.id)
	}
	if m.chatRows && !o.routing.given() {
		if o.model = cmp.Or(o.model, o.firstModel(dialect)); o.model == "" {
			return usage("--model is missing: name the model that answers, as the first row names none")
		}
	}
	return nil
}

// tellMissingFields tells which fields the first row lacks that a row need not
// have.
func (o *options) tellMissingFields(dialect source.CSVFormat, tell func(string)) {
	given := slices.DeleteFunc([][2]string{
		{"--options-field", o.messages.optionsField},
		{"--priority-field", o.line.priority},
		{"--deadline-field", o.line.deadline},
		{"--tenant-field", o.line.tenant},
		{"--route-field", o.routing.field},
	}, func(f [2]string) bool { return f[1] == "" })
	if len(given) == 0 {
		return
	}
	names, err := firstFields(o.source(dialect))
	if err != nil {
		return // the run says what is wrong
	}
	for _, f := range given {
		tellMissing(f[0], []string{f[1]}, names, tell)
	}
}

// isChat reports whether a row is a chat that is not wrapped in a batch format.
func isChat(row []byte) bool {
	return has(row, chatField) && !has(row, openAIFormat.Body) && !has(row, "url")
}

// mustBeUnused refuses flags for chats in a run of rows in batch format.
func (m *messages) mustBeUnused() error {
	for _, flag := range []struct {
		name  string
		given bool
	}{{"--system", m.system != ""}, {"--max-tokens, --temperature or --option", len(m.options.all) > 0}, {"--options-field", m.optionsField != ""}} {
		if flag.given {
			return usage("%s needs a --prompt, --messages-field or rows with messages: rows in batch format ask what their bodies say", flag.name)
		}
	}
	return nil
}

// The settings of a run that tell how its rows become chats.
const (
	settingRows   = "rows"
	settingChats  = "chats"
	messagesField = "--messages-field"
)

// set adds what must be the same at each start.
func (m *messages) set(settings map[string]string) {
	for name, value := range map[string]string{
		"--system": m.system, "--options-field": m.optionsField, "--option": m.options.text(),
	} {
		if value != "" {
			settings[name] = value
		}
	}
	m.attach.set(settings)
	switch {
	case m.chatRows:
		settings[settingRows] = settingChats
	case m.field != "":
		settings[messagesField] = m.field
	}
}

// messagesOf returns the flags of a run that say what identifies its rows.
func messagesOf(settings map[string]string) (m messages) {
	m.attach = attachOf(settings)
	m.field, m.chatRows = settings[messagesField], settings[settingRows] == settingChats
	if m.chatRows {
		m.field = chatField
	}
	return m
}

// checkOptions refuses options that a route does not take. Those that depend on
// the messages of a row are checked with it.
func (o *options) checkOptions() error {
	m := &o.messages
	ofRoutes := o.routing.haveOptions()
	if len(m.options.all) == 0 && !ofRoutes {
		return nil
	}
	if ofRoutes && !o.asksChats() && !m.chatRows {
		return usage("max-tokens, temperature and option.NAME of a --route need a --prompt, --messages-field or rows with messages: rows in batch format ask what their bodies say")
	}
	if m.field != "" {
		return nil
	}
	job := durable.Job[source.Row]{Model: o.model}
	if err := o.connect(&job, newConnections(o, true)); err != nil {
		return err
	}
	routes := job.Routes
	if len(routes) == 0 {
		routes = []durable.Route{{Provider: job.Provider, Model: job.Model}}
	}
	chat := llm.Ask("?").WithDefaults(m.options.all)
	for _, r := range routes {
		codec := r.Provider.Info().Codec
		if codec == nil {
			continue // a job says so
		}
		_, err := codec.Encode(r.Model, chat.WithDefaults(r.Options))
		refused, is := errors.AsType[*llm.RefusedOptionError](err)
		switch {
		case err == nil:
		case is && r.Name != "":
			return usage("route %q: %w", r.Name, refused)
		case is:
			return usage("%s: %w", r.Provider.Info().Name, refused)
		default:
			return usage("%w", err)
		}
	}
	return nil
}

// planned tells what is asked about each row, beside the prompt.
func (m *messages) planned() (lines [][2]string) {
	switch {
	case m.chatRows:
		lines = append(lines, [2]string{"a row is", "a chat, whose members are its messages and options"})
	case m.field != "":
		lines = append(lines, [2]string{"messages", "of the field " + m.field})
	}
	for _, line := range [][2]string{{"instruction", m.system}, {"options", m.options.text()}, {"options of a row", m.optionsField}} {
		if line[1] != "" {
			lines = append(lines, line)
		}
	}
	return lines
}
