package source

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// pack compresses each part for itself and puts them one after the other, as
// programs that append do.
func pack(t *testing.T, by string, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, part := range parts {
		var w io.WriteCloser = gzip.NewWriter(&b)
		if by == "zstd" {
			var err error
			if w, err = zstd.NewWriter(&b); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func writeFile(t *testing.T, name, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestACompressedFileIsReadFromAnyRowOn(t *testing.T) {
	long := strings.Repeat("x", bufferSize)
	parts := map[string][]string{
		".jsonl": {"{\"n\":1}\n{\"n\":\"" + long + "\"}\n", "{\"n\":3}\n"},
		".csv":   {"n,text\n1,a\n2,\"b\n" + long + "\"\n", "3,c\n"},
	}
	for _, by := range []string{"gzip", "zstd"} {
		for format, parts := range parts {
			want, err := collect(Rows(writeFile(t, "rows"+format, strings.Join(parts, ""))))
			if err != nil || len(want) != 3 {
				t.Fatalf("%v, %v", want, err)
			}
			for _, ending := range []string{"", ".gz"} { // it need not say the truth
				path := writeFile(t, "rows"+format+ending, pack(t, by, parts...))
				for n := range want {
					one, two := Rows(path), Rows(path)
					var got []Row
					for row, err := range one.Items() {
						if err != nil {
							t.Fatal(err)
						}
						if got = append(got, row); len(got) > n {
							break
						}
					}
					if err := two.Resume(one.Checkpoint()); err != nil {
						t.Fatal(err)
					}
					rest, err := collect(two)
					got = append(got, rest...)
					for i := range got {
						got[i].File = want[i%len(want)].File
					}
					if err != nil || !reflect.DeepEqual(got, want) {
						t.Errorf("%s %s, stopped after row %d: %d rows, %v", by, format, n+1, len(got), err)
					}
				}
			}
		}
	}
}

func TestACompressedFileThatIsDamagedIsRefused(t *testing.T) {
	for _, by := range []string{"gzip", "zstd"} {
		whole := pack(t, by, strings.Repeat("{\"n\":1}\n", 100))
		for name, content := range map[string]string{
			"ends too early": whole[:len(whole)-3],
			"cannot be read": whole[:4] + "\xff\xff\xff\xff" + whole[8:len(whole)-4] + "\xff\xff\xff\xff",
		} {
			rows, err := collect(Rows(writeFile(t, "rows.jsonl", content)))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %d rows, %v", by, len(rows), err)
			}
		}
	}
}

func TestACompressedFileThatWasExchangedIsRefused(t *testing.T) {
	path := writeFile(t, "rows.jsonl.gz", pack(t, "gzip", "{\"n\":1}\n{\"n\":2}\n"))
	f := Rows(path)
	first(t, f)
	if err := os.WriteFile(path, []byte(pack(t, "gzip", "{\"n\":1}\n{\"n\":3}\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Rows(path).Resume(f.Checkpoint()); err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Error(err)
	}
}
