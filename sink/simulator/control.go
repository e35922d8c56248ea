package simulator

import (
	"encoding/json"
	"iter"
	"net/http"
	"time"
)

// controlPrefix is where the simulator itself is reached, outside the paths of
// any provider.
const controlPrefix = "/_simulator/"

// controlRoutes serves what [Control] asks for. It wants no key: whoever can
// reach a simulator may see into it.
func (s *Simulator) controlRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+controlPrefix+"ledger", func(w http.ResponseWriter, _ *http.Request) {
		writeLines(w, s.Executions())
	})
	mux.HandleFunc("GET "+controlPrefix+"requests", func(w http.ResponseWriter, _ *http.Request) {
		writeLines(w, s.Requests())
	})
	mux.HandleFunc("GET "+controlPrefix+"batches", func(w http.ResponseWriter, _ *http.Request) {
		writeLines(w, func(yield func(Batch, error) bool) {
			for _, b := range s.Batches() {
				if !yield(b, nil) {
					return
				}
			}
		})
	})
	mux.HandleFunc("PUT "+controlPrefix+"faults", func(w http.ResponseWriter, r *http.Request) {
		var faults []Fault
		control(w, r, &faults, func() error { return s.SetFaults(faults...) })
	})
	mux.HandleFunc("PUT "+controlPrefix+"blocked", func(w http.ResponseWriter, r *http.Request) {
		var blocks []Block
		control(w, r, &blocks, func() error {
			s.SetBlocked(blocks...)
			return nil
		})
	})
	mux.HandleFunc("POST "+controlPrefix+"clock", func(w http.ResponseWriter, r *http.Request) {
		var request advanceRequest
		control(w, r, &request, func() error { return s.Advance(request.Advance) })
	})
	return mux
}

// advanceRequest moves the clock.
type advanceRequest struct {
	Advance time.Duration `json:"advance"` // in nanoseconds
}

// control reads a command into request and obeys it.
func control(w http.ResponseWriter, r *http.Request, request any, obey func() error) {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(request)
	if err == nil {
		err = obey()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// writeLines writes a sequence as JSON lines and breaks the connection at an
// error, so that it is not taken for the end.
func writeLines[T any](w http.ResponseWriter, values iter.Seq2[T, error]) {
	w.Header().Set("Content-Type", "application/jsonl")
	encoder := json.NewEncoder(w)
	for value, err := range values {
		if err == nil {
			err = encoder.Encode(value)
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}
