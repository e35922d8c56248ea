package batchapi

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// A request that no source can read is refused when it comes, and by its place.
func TestARequestThatIsTooLongIsRefused(t *testing.T) {
	t.Parallel()
	body := `{"requests":[{"custom_id":"a","params":{}},{"custom_id":"b","params":{"long":"` + strings.Repeat("x", 100) + `"}}]}`
	for most, want := range map[int]int{1000: 0, 100: http.StatusRequestEntityTooLarge} {
		var out bytes.Buffer
		_, err := writeRequests(&out, strings.NewReader(body), most)
		said, _ := errors.AsType[*apiError](err)
		switch {
		case want == 0 && err != nil:
			t.Error(err)
		case want != 0 && (said == nil || said.status != want || !strings.HasPrefix(said.message, "requests.1:")):
			t.Errorf("%d: %v", most, err)
		}
	}
}
