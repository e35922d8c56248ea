package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/balerhq/baler/flow/durable"
	"github.com/balerhq/baler/sink/openai"
	"github.com/balerhq/baler/sink/simulator"
)

// The environment of a process that a test kills.
const (
	providerURL = "DATABASE_PROVIDER"
	stateDir    = "DATABASE_DIR"
)

func TestMain(m *testing.M) {
	if os.Getenv(providerURL) != "" {
		if err := mortalRun(context.Background(), os.Getenv(providerURL), os.Getenv(stateDir)); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// mortalRun answers the tickets, unless it gets to its third transaction: then
// it kills its process, when that is committed and not yet recorded.
func mortalRun(ctx context.Context, url, dir string) error {
	db, err := open(ctx, filepath.Join(dir, "tickets.db"))
	if err != nil {
		return err
	}
	client, err := openai.New("sk-simulated", openai.Config{BaseURL: url + "/v1"})
	if err != nil {
		return err
	}
	j, err := job(ctx, db, client, filepath.Join(dir, "job"))
	if err != nil {
		return err
	}
	j.Output = &mortal{answers: j.Output.(*answers), left: 2}
	_, err = durable.Run(ctx, j)
	return err
}

type mortal struct {
	*answers
	left int
}

func (m *mortal) Write(ctx context.Context, results []durable.Result) error {
	if err := m.answers.Write(ctx, results); err != nil || m.left > 0 {
		m.left--
		return err
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	select {} // no step further
}

// query returns the only row of a query, its columns as text.
func query(t *testing.T, db *sql.DB, text string) (row string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), text).Scan(&row); err != nil {
		t.Fatal(err)
	}
	return row
}

// database returns a database with 60 tickets in a directory.
func database(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := open(t.Context(), filepath.Join(dir, "tickets.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := fill(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAKillLosesAndRepeatsNothing(t *testing.T) {
	provider, err := simulator.Start("", simulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	dir := t.TempDir()
	db := database(t, dir)

	kills := 0
	for ; ; kills++ {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), providerURL+"="+provider.URL, stateDir+"="+dir)
		said, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() || kills > 10 {
			t.Fatalf("%v: %s", err, said)
		}
	}
	if kills < 2 {
		t.Errorf("%d kills", kills)
	}
	const sums = `SELECT concat_ws(' ', count(*), count(DISTINCT ticket), min(ticket), max(ticket), sum(status = 'succeeded'), count(DISTINCT chunk), max(chunk))
		FROM answers JOIN tickets ON id = ticket AND instr(answers.text, tickets.text)`
	if got, want := query(t, db, sums), "60 60 1 60 60 6 6"; got != want {
		t.Errorf("the table has %q, want %q", got, want)
	}
	if n := len(provider.Batches()); n != 6 {
		t.Errorf("%d batches were bought, want 6", n)
	}
}

func TestTheNextRunAnswersWhatWasAdded(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []string{
		"60 tickets, 60 of them new: the table has 60 answers, of 6 transactions\n",
		"60 tickets, 0 of them new: the table has 60 answers, of 6 transactions\n",
		"61 tickets, 1 of them new: the table has 61 answers, of 7 transactions\n",
	} {
		if i == 2 {
			if _, err := database(t, dir).ExecContext(t.Context(), "INSERT INTO tickets (text) VALUES ('The app crashes.')"); err != nil {
				t.Fatal(err)
			}
		}
		var printed strings.Builder
		if err := run(t.Context(), dir, &printed); err != nil || printed.String() != want {
			t.Errorf("run %d printed %q, %v, want %q", i+1, &printed, err, want)
		}
	}
}

func TestAnotherTableIsNotTouched(t *testing.T) {
	db := database(t, t.TempDir())
	a := &answers{db: db}
	if err := a.Rewind(""); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2", "3"} {
		if err := a.Write(t.Context(), []durable.Result{{ID: id, Status: durable.ItemSucceeded}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, mark := range []string{"", "0", "1", "4", "x"} {
		if err := (&answers{db: db}).Rewind(mark); err == nil {
			t.Errorf("mark %q is accepted", mark)
		}
	}
	if got := query(t, db, "SELECT count(*) FROM answers"); got != "3" {
		t.Errorf("%s answers are left of 3", got)
	}
	if err := a.Rewind("2"); err != nil {
		t.Error(err)
	}
	if got := query(t, db, "SELECT count(*) FROM answers"); got != "2" || a.Mark() != "2" {
		t.Errorf("%s answers, mark %s", got, a.Mark())
	}
}
