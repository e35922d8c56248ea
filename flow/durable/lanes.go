package durable

import (
	"errors"
	"math"
	"strconv"
	"sync"

	"github.com/balerhq/baler/internal/journal"
)

// lane is what all rows of a batch have in common.
type lane struct {
	Endpoint string `json:"endpoint"`
	Model    string `json:"model"`
}

// numberedLane is a lane as the journal knows it.
type numberedLane struct {
	N int `json:"n"`
	lane
}

// lanes numbers the lanes of a job, since every record that names one should
// be small.
type lanes struct {
	journal *journal.Journal

	mu      sync.Mutex
	byIndex []lane
	index   map[lane]uint16
	limits  map[int]int // what a batch may weigh, in bytes, where less than usual
}

// laneKey is what rows are accumulated by. Those that need not be sent are
// apart.
func (e entry) laneKey() string {
	key := strconv.Itoa(int(e.lane))
	if e.hit != nil {
		key += " cached"
	}
	return key
}

func newLanes(j *journal.Journal, known []lane) *lanes {
	l := &lanes{journal: j, index: make(map[lane]uint16), limits: make(map[int]int)}
	for _, v := range known {
		l.add(v)
	}
	return l
}

func (l *lanes) add(v lane) {
	l.index[v] = uint16(len(l.byIndex)) //nolint:gosec // bounded by number
	l.byIndex = append(l.byIndex, v)
}

// number returns the lane's number, after writing a new one to the journal.
func (l *lanes) number(v lane) (uint16, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, ok := l.index[v]; ok {
		return n, nil
	}
	n := len(l.byIndex)
	if n > math.MaxUint16 {
		return 0, errors.New("durable: more than 65,536 pairs of endpoint and model")
	}
	if err := l.journal.Append(logged{Lane: &numberedLane{n, v}}); err != nil {
		return 0, err
	}
	l.add(v)
	return uint16(n), nil
}

func (l *lanes) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byIndex)
}

func (l *lanes) get(n int) lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byIndex[n]
}
