package main

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
)

// ofPackage finds the names of this module's packages, which begin their
// errors: they help who writes a program, and nobody else. Names of providers
// are not among them.
var ofPackage = regexp.MustCompile(`(^|\n|: |; )(?:(?:accumulator|archive|batchapi|catalog|doctor|durable|flow|httpclient|intent|intercept|jobdir|journal|price|queue|ratelimit|retry|segment|sink|source|state|telemetry): )+`)

// words is an error as people read it.
func words(err error) string {
	said := ofPackage.ReplaceAllString(err.Error(), "$1")
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(said, "state directory: ") {
		said += "; no run was begun here: name the directory with --state, or go to it"
	}
	return said
}
