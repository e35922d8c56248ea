package main

import (
	"slices"
	"strings"

	"github.com/balerhq/baler/sink/catalog"
)

// missing refuses a command that lacks what every run needs, and names all of
// it at once.
func (o *options) missing(command string, input bool) error {
	asks, answers := o.asksChats() || o.messages.promptFile != "", o.model != "" || len(o.routing.routes) > 0
	var lacks []string
	if input {
		lacks = append(lacks, "INPUT (the file with the rows)")
	}
	if o.out == "" && !o.dryRun {
		lacks = append(lacks, "--out (the file for the results)")
	}
	if input && !asks && o.letters.from == "" {
		lacks = append(lacks, "--prompt (what is asked about each row, unless the rows say it themselves)")
	}
	if !answers && (asks || input) {
		lacks = append(lacks, "--model (the model that answers)")
	}
	if len(lacks) == 0 {
		return nil // a key that is missing is said once the provider is certain
	}
	if !o.dryRun {
		lacks = append(lacks, o.missingKeys()...)
	}
	return usage("%s lacks %s: see --help, or let baler init write a job file", command, strings.Join(lacks, ", "))
}

// missingKeys names the variables of keys that the run will want.
func (o *options) missingKeys() (all []string) {
	const why = " (the key of the account that pays, in the environment)"
	for i := range o.routing.parsed {
		if r := &o.routing.parsed[i]; r.secret() == "" {
			all = append(all, orList(r.keys())+why)
		}
	}
	if o.routing.given() {
		return all
	}
	may := withClient()
	if o.provider != "" {
		may = slices.DeleteFunc(may, func(p catalog.Provider) bool { return p.Name != o.provider })
	}
	var names []string
	for i := range may {
		if keyOf(&may[i]) != "" {
			return nil
		}
		names = append(names, may[i].Keys...)
	}
	if len(names) > 0 {
		all = append(all, orList(names)+why)
	}
	return all
}
