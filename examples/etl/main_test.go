package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const header = "id,customer,country,amount,status\n"

// load runs the program on orders and returns the file that it made and what it
// printed.
func load(t *testing.T, orders string) (db *sql.DB, printed string, err error) {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "orders.csv"), filepath.Join(dir, "orders.db")
	if err := os.WriteFile(from, []byte(orders), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	err = run(t.Context(), &out, from, to)
	return open(t, to), out.String(), err
}

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// query returns the only row of a query, its columns as text.
func query(t *testing.T, db *sql.DB, text string) (row string) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), text).Scan(&row); err != nil {
		t.Fatal(err)
	}
	return row
}

func TestPaidOrdersOfTheFileAreInTheDatabaseAndStayOnASecondRun(t *testing.T) {
	to := filepath.Join(t.TempDir(), "orders.db")
	for range 2 {
		var out strings.Builder
		if err := run(t.Context(), &out, "orders.csv", to); err != nil {
			t.Fatal(err)
		}
		if want := "map[size:40 close:12]\n"; !strings.HasSuffix(out.String(), want) {
			t.Errorf("printed %q, want it to end in %q", out.String(), want)
		}
		const sums = "SELECT concat_ws(' ', count(*), count(DISTINCT id), sum(cents), min(id), max(id)) FROM orders"
		if got, want := query(t, open(t, to), sums), "52 52 573992 1001 1060"; got != want {
			t.Errorf("the database has %q, want %q", got, want)
		}
	}
}

func TestAnOrderIsConverted(t *testing.T) {
	db, _, err := load(t, header+"7,\"O'Hara, Ann\",fr,19.99,paid\n8,Bob,de,5,cancelled\n")
	if err != nil {
		t.Fatal(err)
	}
	const all = "SELECT group_concat(concat_ws('|', id, customer, country, cents), ';') FROM orders"
	if got, want := query(t, db, all), "7|O'Hara, Ann|FR|1999"; got != want {
		t.Errorf("the database has %q, want %q", got, want)
	}
}

func TestABadAmountIsReportedWithItsLine(t *testing.T) {
	_, printed, err := load(t, header+"7,Ann,fr,19.99,paid\n8,Bob,de,much,paid\n")
	if err == nil || !strings.Contains(err.Error(), "orders.csv:3") {
		t.Errorf("run = %v, want an error about orders.csv:3", err)
	}
	if printed != "" {
		t.Errorf("printed %q after a failure", printed)
	}
}
