package segment_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/balerhq/baler/internal/segment"
)

func TestReadAtReadsWhatReadAllDoes(t *testing.T) {
	var file []byte
	var offsets []int64
	records := []string{"one", "", strings.Repeat("large", 3000), "last"}
	for _, r := range records {
		offsets = append(offsets, int64(len(file)))
		file = segment.Append(file, []byte(r))
		if len(file)-int(offsets[len(offsets)-1]) != len(r)+segment.Overhead {
			t.Error("Overhead is not what is added")
		}
	}
	var buf []byte
	for i, want := range records {
		got, err := segment.ReadAt(bytes.NewReader(file), offsets[i], buf)
		if err != nil || string(got) != want {
			t.Errorf("record %d: %d bytes, %v", i, len(got), err)
		}
		buf = got
	}
}

func TestReadAtRefusesWhatIsNoRecord(t *testing.T) {
	large := segment.Append(nil, bytes.Repeat([]byte("x"), 9000))
	flipped := bytes.Clone(large)
	flipped[8999] ^= 1
	for name, test := range map[string]struct {
		file   []byte
		offset int64
	}{
		"behind the end":       {large, int64(len(large))},
		"a cut header":         {large[:5], 0},
		"a cut payload":        {large[:8000], 0},
		"cut early":            {large[:100], 0},
		"within a record":      {large, 4000},
		"a flipped bit":        {flipped, 0},
		"an impossible length": {bytes.Repeat([]byte{0xff}, 100), 0},
	} {
		if got, err := segment.ReadAt(bytes.NewReader(test.file), test.offset, nil); !errors.Is(err, segment.ErrDamaged) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
