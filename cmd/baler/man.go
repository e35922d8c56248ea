package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan writes man pages, for whoever packages the program.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write man pages: one of the program, and one for each command",
		Example: "  baler man /usr/local/share/man/man1",
		Hidden:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("man takes the directory for the pages, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // all may read them
				return usage("%w", err)
			}
			for _, c := range append([]*cobra.Command{cmd.Root()}, cmd.Root().Commands()...) {
				if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
					continue
				}
				var page bytes.Buffer
				writeManPage(&page, c)
				path := filepath.Join(args[0], manName(c)+".1")
				if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil { //nolint:gosec // all may read it
					return usage("%w", err)
				}
			}
			return nil
		},
	}
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// writeManPage writes the page of a command in roff, with the macros of man(7).
func writeManPage(w io.Writer, cmd *cobra.Command) {
	fmt.Fprintf(w, ".TH %q 1 \"\" %q Baler\n", strings.ToUpper(manName(cmd)), roff("baler "+version()))
	fmt.Fprintf(w, ".SH NAME\n%s \\- %s\n", roff(manName(cmd)), roff(cmd.Short))
	if cmd.Runnable() {
		fmt.Fprintf(w, ".SH SYNOPSIS\n%s\n", roff(cmd.UseLine()))
	}
	if cmd.Long != "" {
		fmt.Fprintf(w, ".SH DESCRIPTION\n")
		manText(w, cmd.Long)
	}
	manFlags(w, cmd)
	if cmd.HasExample() {
		fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	others := cmd.Commands()
	if cmd.HasParent() {
		others = []*cobra.Command{cmd.Root()}
	} else {
		fmt.Fprintf(w, ".SH COMMANDS\n")
	}
	var also []string
	for _, c := range others {
		switch {
		case c.Hidden || c.Name() == "help" || c.Name() == "completion":
			continue
		case !cmd.HasParent():
			fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(c.Name()), roff(c.Short))
		}
		also = append(also, roff(manName(c))+"(1)")
	}
	fmt.Fprintf(w, ".SH SEE ALSO\n%s\n", strings.Join(also, ", "))
}

// manText writes paragraphs. One with indented lines stays as it is.
func manText(w io.Writer, text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if strings.HasPrefix(paragraph, "  ") || strings.Contains(paragraph, "\n  ") {
			fmt.Fprintf(w, ".PP\n.nf\n%s\n.fi\n", roff(paragraph))
			continue
		}
		fmt.Fprintf(w, ".PP\n%s\n", roff(paragraph))
	}
}

// manFlags writes the flags of a command, in the groups of its help.
func manFlags(w io.Writer, cmd *cobra.Command) {
	var all []*pflag.Flag
	cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) { all = append(all, f) })
	cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { all = append(all, f) })
	all = slices.DeleteFunc(all, func(f *pflag.Flag) bool { return f.Hidden })
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, ".SH OPTIONS\n")
	grouped := cmd.Flag("out") != nil && cmd.Flag("provider") != nil
	headings := make([]string, 0, len(flagGroups)+1)
	for _, g := range flagGroups {
		headings = append(headings, g.heading)
	}
	for _, heading := range append(headings, otherFlags) {
		told := !grouped
		for _, f := range all {
			if group := groupOf(f.Name); grouped && group != heading || !grouped && heading != otherFlags {
				continue
			}
			if !told {
				fmt.Fprintf(w, ".SS %s\n", roff(heading))
				told = true
			}
			name, about := pflag.UnquoteUsage(f)
			fmt.Fprintf(w, ".TP\n\\fB\\-\\-%s\\fR \\fI%s\\fR\n%s%s\n", roff(f.Name), roff(name), roff(about), roff(manDefault(f)))
		}
	}
}

// manDefault tells the default of a flag whose text does not.
func manDefault(f *pflag.Flag) string {
	if text := defaultOf(f); text != "" && text != "false" && text != "0s" && !strings.Contains(f.Usage, "(default") && f.Name != "state" {
		return " (default " + text + ")"
	}
	return ""
}

// roff makes a text one that roff prints as it is.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
