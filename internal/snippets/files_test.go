package snippets_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A file that ARCHITECTURE.md names is there, where it names a directory too in
// that one.
func TestFilesThatArchitectureNamesExist(t *testing.T) {
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = fs.WalkDir(os.DirFS(root), ".", func(name string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(name, ".go") {
			all = append(all, "/"+name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.go)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 10 {
		t.Fatalf("%d files are named", len(named))
	}
	for _, m := range named {
		found := false
		for _, file := range all {
			found = found || strings.HasSuffix(file, "/"+path.Clean(m[1]))
		}
		if !found {
			t.Errorf("%s is not there", m[1])
		}
	}
}
