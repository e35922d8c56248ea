package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balerhq/baler/cmd/baler/internal/jobfile"
)

func newInit() *cobra.Command {
	var o options
	to, schema := "", false
	cmd := &cobra.Command{
		Use:   "init [INPUT...] [flags of run]",
		Short: "Write a job file, which run takes instead of flags",
		Long: `Write a YAML file with every option of "baler run" and what it is for. The options
that are given here are set in it, and the others are comments. Its options are called
as the flags are. "baler run job.yaml" runs it; flags, and variables such as
BALER_BATCH_SIZE, override what it says. Paths are as on the command line: relative to
the directory in which the command runs.

Under "stages", a file has several runs, each with options of its own; what stands
beside them holds for all. They run one after the other. A stage without an input takes
what the stage before it wrote, with all its rows: "where: '{{eq .status \"succeeded\"}}'"
leaves out those that failed.

A file that is there is not overwritten. With --print-schema the command prints the
JSON Schema of job files instead, for editors.`,
		Example: `  baler init tickets.jsonl --out sorted.jsonl --model gpt-5.4-mini --prompt 'Sort: {{.text}}'
  baler init --print-schema > job.schema.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if schema {
				text, err := jobfile.Schema(initOptions(cmd))
				if err == nil {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
				}
				return err
			}
			return writeJobFile(cmd, to, args)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "job.yaml", "file to write; - is standard output")
	cmd.Flags().BoolVar(&schema, "print-schema", false, "print the JSON Schema of job files")
	return cmd
}

// initOptions are the options of run.
func initOptions(cmd *cobra.Command) (options []jobfile.Option) {
	for _, o := range optionsOf(cmd) {
		if o.Name != "to" && o.Name != "print-schema" {
			options = append(options, o)
		}
	}
	return options
}

const jobFileHead = `yaml-language-server: $schema=job.schema.json

A job file of baler: run it with "baler run FILE". The comments show the options
that are not set, with their defaults. For help in an editor:
baler init --print-schema > job.schema.json`

// writeJobFile writes the flags of a command as a job file. A file without any
// is an example.
func writeJobFile(cmd *cobra.Command, to string, inputs []string) error {
	s := jobfile.Stage{Inputs: inputs}
	options := initOptions(cmd)
	for _, o := range options {
		if f := cmd.Flag(o.Name); f.Changed {
			s.Values = append(s.Values, valueOf(f))
		}
	}
	if len(inputs) == 0 && len(s.Values) == 0 {
		s = exampleStage()
	}
	var b bytes.Buffer
	if err := jobfile.Write(&b, jobFileHead, options, s); err != nil {
		return err
	}
	if to == stdin {
		_, err := cmd.OutOrStdout().Write(b.Bytes())
		return err
	}
	if err := writeNew(to, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s: edit it, and then run baler plan %s\n", to, to)
	return nil
}

func exampleStage() jobfile.Stage {
	return jobfile.Stage{Inputs: []string{"tickets.jsonl"}, Values: []jobfile.Value{
		{Name: "out", Texts: []string{"results.jsonl"}},
		{Name: "model", Texts: []string{"gpt-5.4-mini"}},
		{Name: "prompt", Texts: []string{"Summarise in one sentence:\n{{.text}}\n"}},
	}}
}

// valueOf is what a flag was set to.
func valueOf(f *pflag.Flag) jobfile.Value {
	v := jobfile.Value{Name: f.Name, Texts: []string{f.Value.String()}}
	switch value := f.Value.(type) {
	case pflag.SliceValue:
		v.Texts, v.List = value.GetSlice(), true
	case *classFlag:
		v.Texts, v.List = value.all(), true
	case *fileTemplates:
		v.Texts, v.List = *value, true
	}
	return v
}

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return usage("%s is there already: name another file with --to", path)
	}
	if err != nil {
		return usage("%w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
