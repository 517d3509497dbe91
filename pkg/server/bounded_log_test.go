package server

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr/funcr"
)

func TestBoundedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		log := newBoundedLog(funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{}))
		for i := range 25 {
			log.info("refused", "i", i)
		}
		if len(lines) != boundedRate || strings.Contains(strings.Join(lines, ""), keyNotLogged) {
			t.Errorf("%d lines in a second: %q", len(lines), lines)
		}
		<-time.After(time.Second)
		log.info("refused", "i", 25)
		log.info("refused", "i", 26)
		want := []string{`"msg"="refused" "i"=25 "notLogged"=15`, `"msg"="refused" "i"=26`}
		for i, line := range lines[boundedRate:] {
			if !strings.Contains(line, want[i]) {
				t.Errorf("line %q, want %q", line, want[i])
			}
		}
		for range boundedRate {
			log.info("refused")
		}
		lines = nil
		log.rest("more")
		log.rest("more")
		if got := fmt.Sprint(lines); !strings.Contains(got, `"msg"="more" "notLogged"=2`) || len(lines) != 1 {
			t.Errorf("at the end %s", got)
		}
	})
}
