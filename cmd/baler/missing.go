package main

import "strings"

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
		return nil
	}
	return usage("%s lacks %s: see --help, or let baler init write a job file", command, strings.Join(lacks, ", "))
}
