#!/bin/sh
# Urgent sorts the tickets on standard input and prints the ids of the urgent
# ones: a run between two commands. It takes JSON lines {"id", "text"}.
#
#	./urgent.sh < tickets.jsonl
#
# Standard input is copied to the state directory before anything is bought. If
# the run is stopped, the same command goes on, and its input does not matter
# any more. Results go to standard output, each at least once; what baler says
# itself goes to standard error.
set -eu
jq -c 'select(.text != "") | {id, text}' |
	baler run - --name urgent --out - --schema "$(dirname "$0")/ticket.schema.json" \
		--model gpt-5.4-mini --prompt 'Sort this ticket: {{.text}}' "$@" |
	jq -r 'select(.status == "succeeded" and .value.urgent) | .id'
