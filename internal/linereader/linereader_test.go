package linereader_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/linereader"
)

func read(text string, size, most int) (lines []string, err error) {
	r := linereader.New(strings.NewReader(text), size, most)
	for {
		line, err := r.Next()
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
		if err != nil {
			return lines, err
		}
	}
}

func TestLinesOfAnyLengthAreRead(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, want := range [][]string{
		nil, {"\n"}, {"a\n", "b\n"}, {"a\n", "b"}, {long + "\n", "short\n", long}, {long + "\r\n"}, {"\n", "\n", long},
	} {
		got, err := read(strings.Join(want, ""), 16, 100)
		if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
			t.Errorf("%q, %v: want %q", got, err, want)
		}
	}
}

// What bounds a line does not depend on the size of the buffer by more than
// that.
func TestALineThatIsTooLongIsRefused(t *testing.T) {
	got, err := read("a\n"+strings.Repeat("x", 101)+"\nb\n", 16, 100)
	tooLong, ok := errors.AsType[*linereader.TooLongError](err)
	if !ok || tooLong.Max != 100 || len(got) != 2 || got[0] != "a\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// What follows a line that is too long can be read, wherever that was noticed.
func TestALineThatIsTooLongIsSkipped(t *testing.T) {
	for size := 90; size < 200; size++ {
		for _, end := range []string{"\n", "\r\n", ""} {
			line := strings.Repeat("x", size) + end
			r := linereader.New(strings.NewReader("a\n"+line+strings.Repeat("b\n", len(end))), 16, 80)
			if got, err := r.Next(); string(got) != "a\n" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			begin, err := r.Next()
			if _, ok := errors.AsType[*linereader.TooLongError](err); !ok {
				t.Fatalf("%d bytes and %q: %v", size, end, err)
			}
			n, err := r.Skip()
			if len(begin)+int(n) != len(line) || errors.Is(err, io.EOF) != (end == "") {
				t.Errorf("%d bytes and %q: %d and %d were read, %v", size, end, len(begin), n, err)
			}
			if got, err := r.Next(); end != "" && (string(got) != "b\n" || err != nil) {
				t.Errorf("%d bytes and %q: then %q, %v", size, end, got, err)
			}
		}
	}
}
