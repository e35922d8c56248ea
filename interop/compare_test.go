package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/balerhq/baler/interop/recorded"
)

// Our clients send what the official ones send. Where they do not, the table of
// differences says why.
func TestOurRequestsAreThoseOfOfficialClients(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(differences))
	for _, provider := range []string{"anthropic", "gemini", "mistral", "openai"} {
		official, sent, equal, bodies := recordings(t, provider), 0, 0, 0
		for _, b := range batches {
			if b.provider != provider {
				continue
			}
			for _, q := range b.requests(t) {
				sent++
				whole, body := compare(t, b, q, official, used)
				if whole {
					equal++
				}
				if body {
					bodies++
				}
			}
		}
		if sent == 0 {
			t.Errorf("%s: nothing was compared", provider)
		}
		t.Logf("%s: of %d requests, %d are equal to one of %d of official clients, and %d have an equal body", provider, sent, equal, len(official), bodies)
	}
	for i, d := range differences {
		if !used[i] {
			t.Errorf("nothing differs any more, remove it: %q", d)
		}
	}
}

// recordings returns what the official clients of a provider sent.
func recordings(t *testing.T, provider string) (all []recorded.Request) {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*-" + provider + ".jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no recordings: %v", provider, err)
	}
	for _, file := range files {
		requests, err := recorded.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, requests...)
	}
	return all
}

// compare reports whether the closest official request is equal, and whether
// its body is. All that differs has to be in the table.
func compare(t *testing.T, b batch, q recorded.Request, official []recorded.Request, used []bool) (equal, body bool) {
	t.Helper()
	equal, body = true, true
	excused := func(d recorded.Difference) {
		equal = false
		if strings.HasPrefix(d.Field, "body") || strings.HasPrefix(d.Field, "part") {
			body = false
		}
		i := reasonOf(b.provider, q.Call, d)
		if i < 0 {
			t.Errorf("%s %s: %s: %s is %q, of official clients %q", b.provider, b.variant, q.Call, d.Field, d.Ours, d.Official)
			return
		}
		used[i] = true
	}
	found, same := recorded.Closest(q, official)
	if !same { // at another version of the API
		other := q
		if other.Call = strings.Replace(q.Call, "/v1beta/", "/v1/", 1); other.Call != q.Call {
			excused(recorded.Difference{Field: "path", Official: other.Call, Ours: q.Call})
			found, same = recorded.Closest(other, official)
		}
	}
	if !same {
		t.Errorf("%s %s: no official client sends %s", b.provider, b.variant, q.Call)
		return false, false
	}
	for _, d := range found {
		excused(d)
	}
	return equal, body
}

// reasonOf returns the place of a difference in the table, -1 if it is not in
// it.
func reasonOf(provider, call string, found recorded.Difference) int {
	for i, d := range differences {
		if d.provider == provider && (d.call == "" || d.call == call) && d.field == found.Field {
			return i
		}
	}
	return -1
}
