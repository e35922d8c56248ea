package main

import "testing"

// A template of texts and fields only gives what text/template makes of it.
func TestPlainTemplates(t *testing.T) {
	fields, err := decode([]byte(`{"a":"x {{.b}}","n":9007199254740993,"e":1e400,"ok":true,"list":[1],"none":null,"o":{"in":"y"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, isPlain := range map[string]bool{
		"Say {{.a}}!":                    true,
		"{{.n}} {{.e}}{{/* nothing */}}": true,
		" {{- .a -}} ":                   true,
		"{{.ok}}":                        true,
		"{{.list}}":                      true,
		"{{.none}}":                      true,
		"{{.missing}}":                   true,
		"{{.o.in}}":                      false,
		"{{.a | upper}}":                 false,
		"{{if .ok}}{{.a}}{{end}}":        false,
		"{{$x := .a}}{{.a}}":             false,
		"{{get \"a\"}}":                  false,
	} {
		p, err := newPrompt(text, false)
		if err != nil {
			t.Fatal(err)
		}
		if (p.plain != nil) != isPlain {
			t.Errorf("%s has the pieces %v", text, p.plain)
		}
		got, gotErr := p.fill(fields)
		p.plain = nil
		want, wantErr := p.fill(fields)
		if got != want || (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
			t.Errorf("%s is %q, %v, want %q, %v", text, got, gotErr, want, wantErr)
		}
	}
}
