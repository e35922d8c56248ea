package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/internal/printable"
)

// figuresVersions are the versions of what commands print with --json, by the
// name of its form. One grows when a member changes its meaning or goes.
var figuresVersions = map[string]int{
	"doctor": 1, "export": 1, "models": 1, "plan": 1, "providers": 1, "prune": 1, "row": 1, "run": 1, "status": 1, "version": 1,
}

// schemaOf is what the member "schema" says, such as baler/status/v1.
func schemaOf(form string) string { return fmt.Sprintf("baler/%s/v%d", form, figuresVersions[form]) }

// jsonFlag is the flag of a command that prints figures.
func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, `print JSON instead of text: an object whose "schema" names its form`)
}

// printJSON prints an object on a line of its own. Its first member names the
// form.
func printJSON(w io.Writer, form string, object any) error {
	b, err := json.Marshal(object)
	if err != nil {
		return err
	}
	schema := []byte(fmt.Sprintf(`{"schema":%q`, schemaOf(form)))
	if rest := bytes.TrimPrefix(b, []byte("{")); len(rest) > 1 {
		schema = append(append(schema, ','), rest...)
	} else {
		schema = append(schema, '}')
	}
	_, err = fmt.Fprintf(w, "%s\n", printable.JSON(schema))
	return err
}
