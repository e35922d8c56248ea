package durable

import (
	"fmt"
	"strings"
	"unicode"
)

// These bound Job.Labels: their number, and the bytes of a name and a value.
const (
	maxLabels     = 32
	maxLabelName  = 64
	maxLabelValue = 256
)

// validateLabels refuses labels that would not fit on a line, so that programs
// can show them as name=value.
func validateLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("durable: Job.Labels are %d: must be at most %d", len(labels), maxLabels)
	}
	for name, value := range labels {
		switch {
		case name == "" || len(name) > maxLabelName || strings.ContainsRune(name, '='):
			return fmt.Errorf("durable: Job.Labels: the name %.64q must have 1 to %d bytes and no =", name, maxLabelName)
		case len(value) > maxLabelValue:
			return fmt.Errorf("durable: Job.Labels: the value of %q has %d bytes: must have at most %d", name, len(value), maxLabelValue)
		case strings.ContainsFunc(name+value, unicode.IsControl):
			return fmt.Errorf("durable: Job.Labels: %q must not have control characters", name)
		}
	}
	return nil
}

// keepLabels takes the labels of the run as it was, if the job gives none.
func (c *config) keepLabels() {
	if c.labels != nil || c.fresh {
		return
	}
	if before, _, err := readStatus(c.dir); err == nil {
		c.labels = before.Labels
	}
}
