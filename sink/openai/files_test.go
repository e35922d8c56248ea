package openai_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/retry"
)

// fileList answers with the page after a cursor.
func fileList(pages map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, ok := pages[r.URL.Query().Get("after")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, page)
	}
}

// A list of files that cannot be read to its end is an error, and not a short
// one. What others have left in it hides nothing.
func TestFilesAreReadToTheEnd(t *testing.T) {
	const first = `{"data":["odd",{"id":"a","filename":"TAG.jsonl","bytes":"odd"}],"has_more":true}`
	for name, test := range map[string]struct {
		pages map[string]string
		want  string
		class retry.Class
	}{
		"two pages":        {map[string]string{"": first, "a": `{"data":[{"id":"a"},{"id":7}],"has_more":false}`}, "a 7", 0},
		"a circle":         {map[string]string{"": first, "a": `{"data":[{"id":"b"}],"has_more":true}`, "b": first}, "a b", retry.Permanent},
		"the same page":    {map[string]string{"": first, "a": first}, "a", retry.Permanent},
		"an empty page":    {map[string]string{"": first, "a": `{"data":[],"has_more":true}`}, "a", retry.Permanent},
		"a page is gone":   {map[string]string{"": first}, "a", retry.Permanent},
		"no list of files": {nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var ids []string
			var failed error
			for f, err := range handle(t, fileList(test.pages)).Files(t.Context()) {
				if failed = err; err != nil {
					break
				}
				if ids = append(ids, f.File); f.File == "a" && f.Tag != "TAG" {
					t.Errorf("%+v", f)
				}
			}
			if !slices.Equal(ids, strings.Fields(test.want)) || retry.ClassOf(failed) != test.class {
				t.Errorf("%q, %v", ids, failed)
			}
		})
	}
}
