package httpclient

import (
	"net/http"
	"testing"
	"time"
)

func TestTheTimeIsThatOfTheServer(t *testing.T) {
	there := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	header := http.Header{}
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Date"] = header["Date"]
		w.Header()["Age"] = header["Age"]
	})
	if now, known := c.Now(); known {
		t.Errorf("it is known to be %s before any reply", now)
	}
	for _, tc := range []struct{ date, age string }{
		{"", ""},
		{"soon", ""}, // unknown yet
		{there.Format(http.TimeFormat), ""},
		{there.Add(time.Hour).Format(http.TimeFormat), "3600"}, // of a cache
		{"", ""},
	} {
		header.Set("Date", tc.date)
		header.Set("Age", tc.age)
		if err := c.Do(t.Context(), Call{Method: "GET", Path: "/x"}, nil); err != nil {
			t.Fatal(err)
		}
		if now, known := c.Now(); !known && tc.date == there.Format(http.TimeFormat) || known && now.Sub(there).Abs() > time.Minute {
			t.Errorf("after %+v it is %s, %t", tc, now, known)
		}
	}
	if _, known := c.Now(); !known {
		t.Error("not known after all")
	}
}
