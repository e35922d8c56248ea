package main

import (
	"errors"
	"time"

	"github.com/balerhq/baler/flow/durable"
)

// keepForever is --keep-remote without a time.
const keepForever = "forever"

// keepFlag is how long results stay at the provider after the end of the run.
type keepFlag time.Duration

// String implements pflag.Value.
func (k *keepFlag) String() string {
	d := time.Duration(*k)
	if d == durable.KeepForever {
		return keepForever
	}
	if d == 0 {
		return ""
	}
	return d.String()
}

// Set implements pflag.Value.
func (k *keepFlag) Set(text string) error {
	if text == keepForever || text == "true" {
		*k = keepFlag(durable.KeepForever)
		return nil
	}
	if text == "false" {
		*k = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return errors.New("must be a duration such as 72h, or forever")
	}
	*k = keepFlag(d)
	return nil
}

// Type implements pflag.Value.
func (k *keepFlag) Type() string { return "duration" }
