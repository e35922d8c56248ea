package retry

import (
	"fmt"
	"time"
)

// GuardConfig sets the limits of a [Guard]. The zero value is ready to use.
type GuardConfig struct {
	// Window is how far back outcomes count. Zero means 10 minutes.
	Window time.Duration
	// MinCount is how many outcomes a window needs before its rate means
	// anything. Zero means 20.
	MinCount int
	// NotifyAbove is the failure rate, from 0 to 1, above which OnNotify is
	// called, once until the rate has been lower again. Zero means 0.2, or
	// PauseAbove if that is lower.
	NotifyAbove float64
	// PauseAbove is the failure rate above which the scope is paused. Must not
	// be lower than NotifyAbove; 1 means that no rate pauses. Zero means 0.5,
	// or NotifyAbove if that is higher.
	PauseAbove float64
	// OnNotify and OnPause are called from Record, by one goroutine of many,
	// and may call the guard. Zero means no notification.
	OnNotify, OnPause func(Alert)
}

func (c GuardConfig) withDefaults() GuardConfig {
	c.Window = orDefault(c.Window, 10*time.Minute)
	c.MinCount = orDefault(c.MinCount, 20)
	notify, pause := 0.2, 0.5
	if c.PauseAbove > 0 {
		notify = min(notify, c.PauseAbove)
	}
	c.NotifyAbove = orDefault(c.NotifyAbove, notify)
	c.PauseAbove = orDefault(c.PauseAbove, max(pause, c.NotifyAbove))
	return c
}

func (c GuardConfig) validate() error {
	switch {
	case c.Window < windowParts:
		return fmt.Errorf("retry: GuardConfig.Window is %s: must be positive", c.Window)
	case c.MinCount < 0:
		return fmt.Errorf("retry: GuardConfig.MinCount is %d: must not be negative", c.MinCount)
	case !(c.NotifyAbove > 0 && c.NotifyAbove <= 1):
		return fmt.Errorf("retry: GuardConfig.NotifyAbove is %v: must be from 0 to 1", c.NotifyAbove)
	case !(c.PauseAbove >= c.NotifyAbove && c.PauseAbove <= 1):
		return fmt.Errorf("retry: GuardConfig.PauseAbove is %v: must be from NotifyAbove, %v, to 1", c.PauseAbove, c.NotifyAbove)
	}
	return nil
}
