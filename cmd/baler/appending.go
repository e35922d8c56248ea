package main

import (
	"errors"
	"os"
	"strings"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/flow/durable/archive"
)

// appendSetting is the setting of a run with --append. It says which of the
// files have their name before an id that is unique within them only: all, or
// all but the one that the run was begun with, without --append.
const (
	appendSetting = "--append"
	allFiles      = "all files"
	allBut        = "all files but "
)

// setAppends keeps the setting.
func (in *inputs) setAppends(settings map[string]string) {
	switch {
	case in.unlabelled != "":
		settings[appendSetting] = allBut + in.unlabelled
	case in.appends && !in.standard():
		settings[appendSetting] = allFiles
	}
}

// unlabelledOf returns the file that a run leaves out, "" if none.
func unlabelledOf(a *archive.Archive) string {
	path, _ := strings.CutPrefix(a.Setting(appendSetting), allBut)
	if path == allFiles {
		return ""
	}
	return path
}

// continueAppending lets a run go on with --append as it was identified before:
// rows that it knows must have the ids that they had, or they would be bought
// again.
func (o *options) continueAppending() error {
	if !o.inputs.appends || o.inputs.standard() || o.fresh {
		return nil
	}
	if _, err := os.Stat(o.state); err != nil {
		return nil //nolint:nilerr // there is no run
	}
	dir, err := durable.Open(o.state)
	if err != nil {
		return usage("%w", err)
	}
	a, err := archive.Open(dir, o.name)
	if errors.Is(err, durable.ErrNoRun) {
		return nil
	}
	if err != nil {
		return usage("%w", err)
	}
	return errors.Join(o.identifyAs(a), a.Close())
}

// identifyAs identifies rows as a run does that is to go on.
func (o *options) identifyAs(a *archive.Archive) error {
	before := a.Setting("input")
	if before == "" || a.Setting("--from-failed") != "" {
		return nil // what it was is refused later
	}
	if id := a.Setting("--id"); id != o.id {
		return usage("--id is %q, and the run %q was begun with %q: rows that it has would be bought again", o.id, a.Name(), id)
	}
	if was := a.Setting(idsPerFile) != ""; was != o.inputs.perFile {
		return usage("the run %q was begun with %s=%t: give it as it was, or rows that it has would be bought again", a.Name(), idsPerFile, was)
	}
	o.inputs.unlabelled = unlabelledOf(a)
	if a.Setting(appendSetting) == "" && !o.inputs.perFile && !strings.Contains(before, "\n") {
		o.inputs.unlabelled = before // its only file
	}
	return nil
}
