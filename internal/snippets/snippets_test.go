// Package snippets_test compiles the Go code that doc comments and README.md
// show. Each snippet stands, line by line, in a function of this package.
package snippets_test

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// snippet is a piece of Go code for people.
type snippet struct{ where, text string }

func TestSnippetsCompile(t *testing.T) {
	t.Parallel()
	compiled := functions(t)
	all := append(readme(t), docComments(t)...)
	for _, s := range all {
		if !shownBy(s.text, compiled) {
			t.Errorf("%s shows code that no function of internal/snippets holds: add or change one, so that it compiles\n%s", s.where, s.text)
		}
	}
	if len(all) < 15 {
		t.Errorf("%d snippets found: the search for them is broken", len(all))
	}
}

func TestShownBy(t *testing.T) {
	t.Parallel()
	functions := []string{plain("a := 1\nuse(a)\nb := 2\nc := 3"), plain("d := 4")}
	for text, want := range map[string]bool{
		"a := 1\nuse(a)":           true,
		"a  :=  1\n\tuse(a)":       true,
		"a := 1\n...\nb := 2":      true,
		"a := 1\nb := 2":           false, // a line is left out
		"b := 2\n...\na := 1":      false, // another order
		"c := 3\n...\nd := 4":      false, // not in one function
		"a := 1\nuse(a) // twice":  false,
		"...\nb := 2\nc := 3\n...": true,
	} {
		if got := shownBy(text, functions); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// shownBy reports whether one of the functions holds the text. A line of three
// dots stands for any lines.
func shownBy(text string, functions []string) bool {
	for _, rest := range functions {
		found := true
		for part := range strings.SplitSeq(plain(text), "\n...\n") {
			part = strings.Trim(part, "\n")
			if part == "" {
				continue // the text begins or ends with dots
			}
			_, after, ok := strings.Cut(rest, "\n"+part+"\n")
			found, rest = found && ok, "\n"+after
		}
		if found {
			return true
		}
	}
	return false
}

// plain is the text with single spaces between words, and each line between two
// line breaks.
func plain(text string) string {
	var b strings.Builder
	b.WriteByte('\n')
	for line := range strings.Lines(text) {
		b.WriteString(strings.Join(strings.Fields(line), " ") + "\n")
	}
	return b.String()
}

// functions returns the functions of this package.
func functions(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, file := parse(t, name)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all = append(all, plain(text[f.Pos()-file.FileStart:f.End()-file.FileStart]))
			}
		}
	}
	return all
}

// readme returns the blocks of README.md that are Go.
func readme(t *testing.T) (all []snippet) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "```go\n")[1:] {
		code, _, _ := strings.Cut(block, "```")
		all = append(all, snippet{"README.md", code})
	}
	return all
}

// isGo matches what is Go, and no table or list.
var isGo = regexp.MustCompile(`:=|\b[a-z]+\.[A-Z]\w*[(\[]`)

// docComments returns the code in the comments that a page of a public package
// shows.
func docComments(t *testing.T) (all []snippet) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (notPublic[d.Name()] || path != root && isModule(path)):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			_, file := parse(t, path)
			for _, text := range docs(file) {
				for _, block := range new(comment.Parser).Parse(text).Content {
					if code, ok := block.(*comment.Code); ok && isGo.MatchString(code.Text) {
						all = append(all, snippet{path, code.Text})
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// notPublic are directories without a page.
var notPublic = map[string]bool{"internal": true, "testdata": true, "cmd": true, "bench": true, "examples": true, ".git": true}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// docs returns the comments on the package and on its declarations.
func docs(file *ast.File) (all []string) {
	all = append(all, file.Doc.Text())
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			all = append(all, d.Doc.Text())
		case *ast.GenDecl:
			all = append(all, d.Doc.Text())
		}
	}
	return all
}

func parse(t *testing.T, path string) (text string, file *ast.File) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err = parser.ParseFile(token.NewFileSet(), path, b, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), file
}
