package integration

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// shared is what TestMain started for all tests.
var shared *world

func TestMain(m *testing.M) { os.Exit(run(m)) } //nolint:forbidigo // it is the main of a test

func run(m *testing.M) int {
	if peerMain() {
		return 1
	}
	log.SetLogger(logr.Discard()) // envtest's, which else complains that there is none
	ctx := context.Background()
	w, err := newWorld(ctx, (*world).install)
	code := 1
	if err == nil {
		shared = w
		code = m.Run()
	}
	if stopErr := w.stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return code
}
