package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"
)

// A clock runs speed times as fast as real time. Its reading is a function of
// real time and of the anchor in its file, so it needs no writing as it runs
// and goes on while the process is down, as a provider's clock does.
type clock struct {
	path  string
	speed float64

	mu     sync.Mutex
	anchor anchor
}

// anchor ties one moment of real time to one of simulated time.
type anchor struct {
	Real      time.Time `json:"real"`
	Simulated time.Time `json:"simulated"`
	Speed     float64   `json:"speed"`
}

func (a anchor) at(now time.Time) time.Time {
	return a.Simulated.Add(time.Duration(float64(now.Sub(a.Real)) * a.Speed))
}

// openClock continues the clock kept at path, or starts one there, and lets it
// run at speed from now on.
func openClock(path string, speed float64) (*clock, error) {
	now := time.Now()
	last := anchor{Real: now, Simulated: now}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &last)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("simulator: read clock %s: %w", path, err)
	}
	c := &clock{path: path, speed: speed}
	err = c.set(anchor{Real: now, Simulated: last.at(now), Speed: speed})
	return c, err
}

func (c *clock) set(a anchor) error {
	if err := writeJSON(c.path, a); err != nil {
		return fmt.Errorf("simulator: save clock: %w", err)
	}
	c.anchor = a
	return nil
}

// now returns the simulated time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.anchor.at(time.Now())
}

// advance moves the clock forward by d.
func (c *clock) advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.anchor
	a.Simulated = a.Simulated.Add(d)
	return c.set(a)
}

// until returns how long in real time it takes until the clock shows t; 0 or
// less if it does already.
func (c *clock) until(t time.Time) time.Duration {
	return time.Duration(math.Ceil(float64(t.Sub(c.now())) / c.speed))
}

// simulated converts a duration of real time to one on the clock.
func (c *clock) simulated(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.speed)
}
