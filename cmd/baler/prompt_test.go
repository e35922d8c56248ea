package main

import (
	"strings"
	"testing"
)

func TestPromptShowsFields(t *testing.T) {
	row := []byte(`{"a":"x","n":9007199254740993,"ok":true,"my name":"y","list":[1,"b"],"o":{"in":"z"},"none":null,"empty":""}`)
	for text, want := range map[string]string{
		`{{.a}}`:                                          "x",
		`{{.n}} {{.ok}}`:                                  "9007199254740993 true",
		`{{index . "my name"}}`:                           "y",
		`{{index .list 1}}`:                               "b",
		`{{.o.in}} {{index .o "in"}}`:                     "z z",
		`{{json .list}} {{json .none}}`:                   `[1,"b"] null`,
		`{{range .list}}{{.}};{{end}}`:                    "1;b;",
		`{{with .o}}{{.in}}{{end}}`:                       "z",
		`{{if .none}}no{{else}}yes{{end}}`:                "yes",
		`{{$v := .a}}{{$v}}{{len .list}}`:                 "x2",
		`{{printf "%s-%v" .a .n}}`:                        "x-9007199254740993",
		`{{print .a .ok}}`:                                "xtrue",
		`{{define "t"}}<{{.a}}>{{end}}{{template "t" .}}`: "<x>",
		`a{{.empty}}`:                                     "a",
		`{{$.a}}`:                                         "x",
		`{{.a | html}}`:                                   "x",
	} {
		fields, err := decode(row)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPrompt(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for range 2 { // no field sticks
			if got, err := p.fill(fields); err != nil || got != want {
				t.Errorf("%s is %q, want %q: %v", text, got, want, err)
			}
		}
	}
}

// What a value looks like in Go is of no use to a model, whatever way the
// template comes by it.
func TestPromptRefusesWhatHasNoText(t *testing.T) {
	row := []byte(`{"a":"x","list":[1,null],"o":{"in":null},"none":null,"empty":" "}`)
	for text, want := range map[string]string{
		`{{.missing}}`:                        `"missing"`,
		`{{.o.missing}}`:                      `"missing"`,
		`{{index . "missing"}}`:               `"missing"`,
		`{{index .list 7}}`:                   `"7"`,
		`{{if .a}}{{.missing}}{{end}}`:        `"missing"`,
		`{{.none}}`:                           "null",
		`{{.o.in}}`:                           "null",
		`{{index . "none"}}`:                  "null",
		`{{range .list}}{{.}}{{end}}`:         "null",
		`{{range $k, $v := .o}}{{$v}}{{end}}`: "null",
		`{{$v := .none}}{{$v}}`:               "null",
		`{{print .none}}`:                     "null",
		`{{printf "%v" .none}}`:               "null",
		`{{.none | html}}`:                    "null",
		`{{println .o.in}}`:                   "null",
		`{{define "t"}}{{.}}{{end}}{{template "t" .none}}`: "null",
		`{{.list}}`:                    "{{json .items}}",
		`{{.o}}`:                       "{{json .items}}",
		`{{.}}`:                        "{{json .items}}",
		`{{printf "%s" .o}}`:           "{{json .items}}",
		`{{printf "%d" .a}}`:           "does not fit",
		`{{urlquery .list}}`:           "{{json .items}}",
		`{{.empty}}`:                   "no text",
		`{{with .o}}{{$.none}}{{end}}`: "null",
	} {
		fields, err := decode(row)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPrompt(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := p.fill(fields); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %q, want an error about %s: %v", text, got, want, err)
		}
	}
}

func TestPromptsThatAreNoneAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		`Summarise`:               "uses no field",
		`Summarise {text}`:        "write {{.text}} for {text}",
		`{{"a"}}`:                 "uses no field",
		`{{.Ticket-Nr}}`:          `{{index . "my name"}}`,
		`{{.ticket body}}`:        `{{index . "my name"}}`,
		`{{text}}`:                "{{.name}}",
		`{{.text`:                 "unclosed action",
		`{{define "t"}}x{{end}}y`: "uses no field",
	} {
		if _, err := newPrompt(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--prompt") {
			t.Errorf("%s: want an error about %s: %v", text, want, err)
		}
	}
}
