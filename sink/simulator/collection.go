package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/balerhq/baler/sink/simulator/internal/protocol"
)

// A collection keeps the records of one kind, each in a file of its own, in
// the order in which they were added. Records are values: what it returns is a
// copy. It is safe for concurrent use.
type collection[R identified] struct {
	dir string

	mu    sync.Mutex
	index map[string]int
	list  []R
}

// identified is what a collection must know of a record.
type identified interface{ Ident() protocol.Identity }

// openCollection reads the records kept in dir.
func openCollection[R identified](dir string) (*collection[R], error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &collection[R]{dir: dir, index: make(map[string]int)}
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		var record R
		data, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(data, &record)
		}
		if err != nil {
			return nil, fmt.Errorf("simulator: read record %s: %w", path, err)
		}
		c.list = append(c.list, record)
	}
	slices.SortFunc(c.list, func(a, b R) int { return cmp.Compare(a.Ident().Seq, b.Ident().Seq) })
	for i, record := range c.list {
		c.index[record.Ident().ID] = i
	}
	return c, nil
}

func (c *collection[R]) save(record R) error {
	id := record.Ident().ID
	if err := writeJSON(filepath.Join(c.dir, id+".json"), record); err != nil {
		return fmt.Errorf("simulator: save %s: %w", id, err)
	}
	return nil
}

// add saves the record that build makes for the next sequence number. A record
// with an id that is already there takes that one's place.
func (c *collection[R]) add(build func(seq int) R) (R, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record := build(len(c.list))
	if i, found := c.index[record.Ident().ID]; found {
		record = build(i)
		c.list[i] = record
		return record, c.save(record)
	}
	if err := c.save(record); err != nil {
		return record, err
	}
	c.index[record.Ident().ID] = len(c.list)
	c.list = append(c.list, record)
	return record, nil
}

// get returns the record with the given id.
func (c *collection[R]) get(id string) (R, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, found := c.index[id]
	if !found {
		var none R
		return none, false
	}
	return c.list[i], true
}

// update changes the record with the given id, which must exist. It is saved
// when change returns true; otherwise the change is kept in memory only, for
// what can be worked out again.
func (c *collection[R]) update(id string, change func(*R) bool) (R, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	record := c.list[c.index[id]]
	save := change(&record)
	if save {
		if err := c.save(record); err != nil {
			return record, err
		}
	}
	c.list[c.index[id]] = record
	return record, nil
}

// all returns the records as they are now, the oldest first.
func (c *collection[R]) all() []R {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}
