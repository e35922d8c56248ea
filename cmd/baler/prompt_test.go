package main

import (
	"strings"
	"testing"
)

func TestPromptShowsFields(t *testing.T) {
	row := []byte(`{"a":"x","n":9007199254740993,"ok":true,"my name":"y","list":[1,"b"],"o":{"in":"z"},"none":null,"empty":"","n0":0,"zero":"0","csv":"7","j":"{\"k\":9007199254740993}"}`)
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
		// Functions that people expect.
		`{{get "my name"}} {{get . "my name"}} {{get "o" "in"}}`:             "y y z",
		`{{.no | default "d"}}{{default "d" .no}}{{.none | default .a}}`:     "ddx",
		`{{.empty | default "d"}}{{.n0 | default "d"}}{{.a | default "d"}}`:  "d0x",
		`{{.o.no.no | default "d"}}{{get "no" | default "d"}}`:               "dd",
		`{{.no | default .o.in | upper}}{{lower "AB"}}{{trim " c "}}`:        "Zabc",
		`{{join ", " .list}};{{join .list "-"}};{{.list | join "/"}}`:        "1, b;1-b;1/b",
		`{{range split "," "a,b"}}<{{.}}>{{end}}{{index (split "" "日本") 1}}`: "<a><b>本",
		`{{replace "x" "é" .a | truncate 1}}{{truncate 5 .n}}`:               "é90071",
		`{{if contains "x" .a}}1{{end}}{{if hasPrefix "y" .a}}2{{end}}`:      "1",
		`{{(fromJSON .j).k}} {{index (fromJSON "[1,2]") 1}}`:                 "9007199254740993 2",
		// What is missing is empty under a condition.
		`{{if .no}}1{{else if .o.no}}2{{else if get "no"}}3{{else}}4{{end}}`: "4",
		`{{with .no}}1{{else}}2{{end}}{{with $.o.in}}{{.}}{{end}}`:           "2z",
		`{{if index .o "no"}}1{{end}}{{if (index .o "no").k}}2{{end}}-`:      "-",
		`{{if and .a (not .no)}}1{{end}}{{if or .no .a}}2{{end}}`:            "12",
		`{{or .no .a}}{{if .list.k}}1{{end}}{{if .a.k}}2{{end}}`:             "x",
		`{{if .n0}}1{{end}}{{if .zero}}2{{end}}{{if .n}}3{{end}}`:            "23",
		`{{if gt (len .no) 0}}1{{else}}2{{end}}{{len .list}}`:                "22",
		// Numbers compare as such, of a CSV file, too.
		`{{if gt .n 5}}1{{end}}{{if lt .csv 8.5}}2{{end}}{{if eq .csv 7}}3{{end}}`:        "123",
		`{{if eq .n 9007199254740992}}1{{end}}{{if ne .a 7}}2{{end}}`:                     "2",
		`{{if gt .no 5}}1{{else if le .no 5}}2{{end}}{{if eq .no "x"}}3{{end}}-`:          "-",
		`{{if eq .a "z" "x"}}1{{end}}{{if eq .ok true}}2{{end}}{{if lt "a" "b"}}3{{end}}`: "123",
	} {
		fields, err := decode(row)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPrompt(text, false)
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
		`{{get "missing"}}`:            `"a", "empty", "list", "none", "o"`,
		`{{.o.missing}}.`:              `"a", "empty", "list", "none", "o"`,
		`{{join ", " .list}}`:          "null",
		`{{join .a .a}}`:               "a separator and a list",
		`{{upper .none}}`:              "null",
		`{{upper .list}}`:              "{{json .items}}",
		`{{or .none .missing}}`:        "null or missing",
		`{{default .none .missing}}`:   "null or missing",
		`{{truncate -1 .a}}`:           "negative",
		`{{if gt .a 5}}1{{end}}.`:      "must be numbers",
		`{{if eq .list .a}}1{{end}}.`:  "{{json .items}}",
		`{{(fromJSON .a).x}}`:          "is not JSON",
	} {
		fields, err := decode(row)
		if err != nil {
			t.Fatal(err)
		}
		p, err := newPrompt(text, false)
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
		`{{.Ticket-Nr}}`:          `{{get "my name"}}`,
		`{{.ticket body}}`:        `{{get "my name"}}`,
		`{{text}}`:                "{{.name}}",
		`{{.text`:                 "unclosed action",
		`{{define "t"}}x{{end}}y`: "uses no field",
	} {
		if _, err := newPrompt(text, false); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--prompt") {
			t.Errorf("%s: want an error about %s: %v", text, want, err)
		}
	}
}
