package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/balerhq/baler/internal/printable"
	"github.com/balerhq/baler/sink/llm"
	"github.com/balerhq/baler/sink/llm/price"
)

type modelsFlags struct {
	provider, prices string
	input, output    int
	retired, asJSON  bool
}

func newModels() *cobra.Command {
	var f modelsFlags
	cmd := &cobra.Command{
		Use:   "models [PART OF A NAME]",
		Short: "List models and compare what they cost, in batches and live",
		Long: `List the models with a known price, the cheapest first: what a thousand rows cost in
batches and live, if each has --input and --output tokens, and what a million tokens
cost. Some models cost more above a length of the input: the price of a row of this
length is shown. "-" means that no price is known, so that nothing is guessed. It makes
no call.`,
		Example: `  baler models --provider openai mini
  baler models --input 20000 --output 200
  baler models --prices model_prices_and_context_window.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.list(cmd.OutOrStdout(), strings.Join(args, ""))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.provider, "provider", "", "only the models of this provider")
	flags.IntVar(&f.input, "input", 1000, "tokens that a row has")
	flags.IntVar(&f.output, "output", 300, "tokens that its answer has")
	flags.StringVar(&f.prices, "prices", "", "a file of prices that count before the listed ones, also in LiteLLM's form")
	flags.BoolVar(&f.retired, "retired", false, "also models that are not served any more")
	jsonFlag(cmd, &f.asJSON)
	return cmd
}

// readPrices returns the listed prices, with those of a file over them if there
// is a name.
func readPrices(name string) (*price.Table, error) {
	if name == "" {
		return price.Listed(), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("--prices: %w", err)
	}
	defer file.Close()
	own, err := price.Read(file)
	if err != nil {
		return nil, fmt.Errorf("--prices %s: %w", name, err)
	}
	return price.Listed().With(own), nil
}

// modelLine is a model in the list. Prices of lanes that have none are nil.
type modelLine struct {
	Provider  string    `json:"provider"`
	Model     string    `json:"model"`
	Batch     *laneCost `json:"batch,omitempty"`
	Live      *laneCost `json:"live,omitempty"`
	MaxInput  int       `json:"max_input_tokens,omitempty"`
	MaxOutput int       `json:"max_output_tokens,omitempty"`
	Retires   string    `json:"retires,omitempty"`
}

// laneCost is what a lane costs in dollars. The numbers are exact decimals.
type laneCost struct {
	Rows   json.Number `json:"thousand_rows"`
	Input  json.Number `json:"million_input_tokens"`
	Output json.Number `json:"million_output_tokens"`

	thousand price.Money
}

func (f *modelsFlags) list(w io.Writer, part string) error {
	if f.input < 0 || f.output < 0 {
		return errors.New("--input and --output must not be negative")
	}
	table, err := readPrices(f.prices)
	if err != nil {
		return err
	}
	lines := f.lines(table, strings.ToLower(part), time.Now())
	if len(lines) == 0 {
		return fmt.Errorf("no model with a price has %q in its name%s: see baler models, or give a file with --prices", part, f.ofProvider())
	}
	if f.asJSON {
		return printJSON(w, "models", map[string]any{"as_of": table.AsOf(), "models": lines})
	}
	return f.print(w, lines, table.AsOf())
}

func (f *modelsFlags) ofProvider() string {
	if f.provider == "" {
		return ""
	}
	return " at " + f.provider
}

// lines returns the models that are wanted, the cheapest first, as a batch if
// they have that price.
func (f *modelsFlags) lines(table *price.Table, part string, now time.Time) []modelLine {
	var out []modelLine
	for m := range table.Models() {
		gone := !m.Retires.IsZero() && now.After(m.Retires)
		if f.provider != "" && m.Provider != f.provider || !strings.Contains(strings.ToLower(m.Name), part) || gone && !f.retired {
			continue
		}
		line := modelLine{Provider: m.Provider, Model: m.Name, MaxInput: m.MaxInput, MaxOutput: m.MaxOutput}
		line.Batch, line.Live = f.cost(&m, price.Batch), f.cost(&m, price.Live)
		if !m.Retires.IsZero() {
			line.Retires = m.Retires.Format(time.DateOnly)
		}
		out = append(out, line)
	}
	slices.SortStableFunc(out, func(a, b modelLine) int { return cmp.Compare(a.cheapest(), b.cheapest()) })
	return out
}

func (l *modelLine) cheapest() price.Money {
	for _, c := range []*laneCost{l.Batch, l.Live} {
		if c != nil {
			return c.thousand
		}
	}
	return price.MaxMoney
}

func (f *modelsFlags) cost(m *price.Model, lane price.Lane) *laneCost {
	row := llm.Usage{Input: f.input, Output: f.output}
	tier, ok := m.Tier(lane, row.Input)
	if !ok {
		return nil
	}
	thousand := tier.Cost(row).Times(1000)
	return &laneCost{dollars(thousand), dollars(tier.Input.Times(1_000_000)), dollars(tier.Output.Times(1_000_000)), thousand}
}

func dollars(m price.Money) json.Number { return json.Number(strings.TrimPrefix(m.String(), "$")) }

func (f *modelsFlags) print(w io.Writer, lines []modelLine, asOf string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "provider\tmodel\tbatch, 1000 rows\tlive, 1000 rows\tbatch in/out, 1M tokens\tlive in/out, 1M tokens\tuntil\n")
	for i := range lines {
		l := &lines[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable.Line(l.Provider, 40), printable.Line(l.Model, 80),
			l.Batch.rows(), l.Live.rows(), l.Batch.tokens(), l.Live.tokens(), cmp.Or(l.Retires, "-"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "US dollars, as of %s; a row has %d tokens and its answer %d.\n", cmp.Or(asOf, "an unknown day"), f.input, f.output)
	return err
}

func (c *laneCost) rows() string {
	if c == nil {
		return "-"
	}
	return c.thousand.Round(4).String()
}

func (c *laneCost) tokens() string {
	if c == nil {
		return "-"
	}
	return string(c.Input) + " / " + string(c.Output)
}
