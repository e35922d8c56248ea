package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balerhq/baler/cmd/baler/internal/jobfile"
)

// stageFlag chooses a stage of a job file.
const stageFlag = "stage"

// jobFile is the file that a command was given in the place of inputs, if any.
type jobFile struct {
	file   string
	stage  string // as --stage says
	stages []jobfile.Stage
}

func (j *jobFile) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&j.stage, stageFlag, "", "stage of a job file, by its name or number (default: all)")
}

// take reads a job file and makes the flags of the command those of its stage,
// unless the command line or the environment says otherwise. It returns the
// inputs of the stage. Of several stages it takes none.
func (j *jobFile) take(cmd *cobra.Command, file string) (inputs []string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("read job file: %w", err)
	}
	j.file = file
	if j.stages, err = jobfile.Parse(file, data, optionsOf(cmd), aboutSecret); err != nil {
		return nil, usage("%w", err)
	}
	if err := j.haveNames(); err != nil {
		return nil, usage("%w", err)
	}
	n, err := j.chosen()
	if err != nil || n < 0 {
		return nil, err
	}
	if err := setFlags(cmd, j.stages[n].Values); err != nil {
		return nil, usage("%w", err)
	}
	if len(j.stages) == 1 && len(j.stages[n].Inputs) == 0 {
		return nil, nil // the command says what is missing, with all else
	}
	return j.inputs(n)
}

// several reports whether the stages of a file are to be run one by one.
func (j *jobFile) several() bool { return len(j.stages) > 1 && j.stage == "" }

// chosen is the number of the stage that is meant, from zero, or -1 for all.
func (j *jobFile) chosen() (int, error) {
	switch {
	case j.stage == "" && len(j.stages) == 1:
		return 0, nil
	case j.stage == "":
		return -1, nil
	}
	if n, err := strconv.Atoi(j.stage); err == nil && n >= 1 && n <= len(j.stages) {
		return n - 1, nil
	}
	var all []string
	for n := range j.stages {
		if all = append(all, j.name(n)); all[n] == j.stage {
			return n, nil
		}
	}
	return 0, usage("--%s is %q: %s has %s", stageFlag, j.stage, j.file, strings.Join(all, ", "))
}

// name is that of a run, as the flags will have it.
func (j *jobFile) name(n int) string {
	if v, ok := j.stages[n].Get("name"); ok {
		return v.Texts[0]
	}
	inputs, err := j.inputs(n)
	if err != nil || len(inputs) == 0 {
		return strconv.Itoa(n + 1)
	}
	return nameOf(inputs[0])
}

// haveNames refuses two stages that would be the same run.
func (j *jobFile) haveNames() error {
	seen := make(map[string]int, len(j.stages))
	for n := range j.stages {
		name := j.name(n)
		if first, twice := seen[name]; twice {
			return &jobfile.Error{Place: j.stages[n].Place, Text: fmt.Sprintf("stages %d and %d are both called %q: give each a name", first+1, n+1, name)}
		}
		seen[name] = n
	}
	return nil
}

// inputs are those of a stage: without any, what the stage before it writes.
func (j *jobFile) inputs(n int) ([]string, error) {
	s := &j.stages[n]
	if _, ok := s.Get("from-failed"); ok || len(s.Inputs) > 0 {
		return s.Inputs, nil
	}
	if n > 0 {
		out, ok := j.stages[n-1].Get("out")
		if ok && out.Texts[0] != stdin && !strings.HasSuffix(out.Texts[0], "/") {
			return []string{out.Texts[0]}, nil
		}
	}
	return nil, usage("%w", &jobfile.Error{Place: s.Place, Text: "has no input: name the file with the rows"})
}

// notOptions are flags that say what a command does, and not what a run is.
var notOptions = []string{"help", stageFlag, "dry-run", "rows", "json"}

// optionsOf are the flags of a command that a job file may set.
func optionsOf(cmd *cobra.Command) (options []jobfile.Option) {
	visit := func(f *pflag.Flag) {
		if f.Hidden || slices.Contains(notOptions, f.Name) {
			return
		}
		options = append(options, jobfile.Option{
			Name: f.Name, Kind: optionKind(f), Repeats: repeats(f), Usage: f.Usage, Default: defaultOf(f), Group: groupOf(f.Name),
		})
	}
	cmd.LocalFlags().VisitAll(visit)
	cmd.InheritedFlags().VisitAll(visit)
	groups := make([]string, len(flagGroups))
	for i, g := range flagGroups {
		groups[i] = g.heading
	}
	jobfile.Sort(options, groups)
	return options
}

func groupOf(flag string) string {
	for _, g := range flagGroups {
		if slices.Contains(g.flags, flag) {
			return g.heading
		}
	}
	return otherFlags
}

func optionKind(f *pflag.Flag) jobfile.Kind {
	switch f.Value.Type() {
	case "bool":
		return jobfile.Bool
	case "int", "int64":
		return jobfile.Int
	case "number", "float64":
		return jobfile.Number
	}
	return jobfile.Text
}

// repeats reports whether a flag may be given more than once.
func repeats(f *pflag.Flag) bool {
	_, list := f.Value.(pflag.SliceValue)
	_, files := f.Value.(*fileTemplates)
	return list || files || strings.Contains(f.Value.Type(), "=")
}

func defaultOf(f *pflag.Flag) string {
	if f.DefValue == "[]" || f.DefValue == "0" && strings.Contains(f.Usage, "(default") {
		return ""
	}
	return f.DefValue
}

// aboutSecret says what to do in the place of writing a key down.
func aboutSecret(name string) string {
	name = strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
	if strings.Contains(name, "key") || strings.Contains(name, "token") || strings.Contains(name, "secret") || strings.Contains(name, "password") {
		return "a key stays out of the file; set it in the variable of its provider (see baler providers), or in a file for env-file"
	}
	return ""
}

// setFlags sets what the command line has not set: first from the environment,
// then from a job file.
func setFlags(cmd *cobra.Command, values []jobfile.Value) (err error) {
	for _, o := range optionsOf(cmd) {
		f := cmd.Flag(o.Name)
		name := variableOf(o.Name)
		if text := os.Getenv(name); text != "" && !f.Changed {
			if wrong := setFlag(f, text); wrong != nil {
				err = errors.Join(err, fmt.Errorf("%s is wrong: %w", name, wrong))
			}
		}
	}
	for _, v := range values {
		f := cmd.Flag(v.Name)
		if f.Changed {
			continue
		}
		if wrong := setAll(f, v); wrong != nil {
			err = errors.Join(err, &jobfile.Error{Place: v.Place, Text: fmt.Sprintf("%s is wrong: %v", v.Name, wrong)})
		}
	}
	return err
}

// variableOf is the variable that overrides an option of a job file.
func variableOf(flag string) string {
	return "BALER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func setAll(f *pflag.Flag, v jobfile.Value) error {
	list, isList := f.Value.(pflag.SliceValue)
	if isList && v.List { // each as it is: Set takes commas for the ends of items
		f.Changed = true
		return list.Replace(v.Texts)
	}
	for _, text := range v.Texts {
		if err := setFlag(f, text); err != nil {
			return err
		}
	}
	return nil
}

func setFlag(f *pflag.Flag, text string) error {
	f.Changed = true
	return f.Value.Set(text)
}

// runStages runs the stages of a job file one after the other. A stage begins
// when the one before it has ended, even if rows of that failed.
func (j *jobFile) runStages(cmd *cobra.Command) error {
	flags, err := repeated(cmd)
	if err != nil {
		return err
	}
	for n := range j.stages { // mistakes cost nothing yet
		if err := j.check(n, cmd.Name(), flags); err != nil {
			return err
		}
	}
	var failed error
	for n := range j.stages {
		fmt.Fprintf(cmd.ErrOrStderr(), "stage %d of %d: %s\n", n+1, len(j.stages), plain(j.name(n)))
		c := newRoot()
		c.SetOut(cmd.OutOrStdout())
		c.SetErr(cmd.ErrOrStderr())
		c.SetArgs(append([]string{cmd.Name(), j.file, "--" + stageFlag, strconv.Itoa(n + 1)}, flags...))
		err := c.ExecuteContext(cmd.Context())
		if _, some := errors.AsType[*failedRowsError](err); some {
			failed = cmp.Or(failed, err)
		} else if err != nil {
			return err
		}
	}
	return failed
}

// check finds mistakes in the options of a stage whose input may not be there
// yet.
func (j *jobFile) check(n int, command string, flags []string) error {
	c, _, err := newRoot().Find([]string{command})
	if err == nil {
		err = c.ParseFlags(flags)
	}
	if err == nil {
		err = setFlags(c, j.stages[n].Values)
	}
	if err != nil {
		return usage("%w", err)
	}
	_, err = j.inputs(n)
	return err
}

// ownFlags belong to one stage only.
var ownFlags = []string{"out", "name", "from-failed"}

// repeated are the flags of the command line once more, for each stage.
func repeated(cmd *cobra.Command) (args []string, err error) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		if slices.Contains(ownFlags, f.Name) {
			err = usage("--%s is given for all stages of a job file: name one with --%s, or write it into the file", f.Name, stageFlag)
		}
		for _, text := range valueOf(f).Texts {
			args = append(args, "--"+f.Name+"="+text)
		}
	})
	return args, err
}
