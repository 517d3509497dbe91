// Package cli is the program netmode: one file per command, and decide.go for what
// they have in common, from manifests to plans.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/netmode-io/netmode/pkg/version"
)

// errRefused ends a command with exit code 1 when everything there is to say
// has been said.
var errRefused = errors.New("refused")

// Main runs netmode with the arguments, the program's name first, and returns
// the exit code: 0, or 1 when something failed or was refused.
func Main(args []string, streams Streams) int {
	// A closed pipe (netmode demo | head) is an error of the write, and no end
	// of the program: what was started is stopped, what was made is removed.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cmd := newRoot(programName(args), &streams)
	cmd.SetArgs(append([]string{}, args[min(1, len(args)):]...)) // with nil, cobra would read os.Args
	cmd.SetIn(streams.In)
	cmd.SetOut(streams.Out)
	cmd.SetErr(streams.Err)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errRefused) && !errors.Is(err, syscall.EPIPE):
		_, _ = fmt.Fprintf(streams.Err, "%s %v\n", streams.errPalette().red("error:"), err)
	}
	return 1
}

// programName is how help texts call the program: kubectl runs a plugin by
// another name than its users do.
func programName(args []string) string {
	if len(args) > 0 && strings.HasPrefix(filepath.Base(args[0]), "kubectl-") {
		return "kubectl netmode"
	}
	return "netmode"
}

func newRoot(name string, streams *Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "netmode",
		Short: "See what netmode does to your Pods and Services, without a cluster",
		Long: `netmode gives Pods and Services the network mode that their annotations ask for.
In a cluster its webhook does so. This program does the same to manifests:
"render" shows the result, "explain" says why, "demo" starts the real webhook on
this machine and sends it manifests.`,
		Version:       version.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: name},
	}
	cmd.PersistentFlags().StringVar(&streams.Color, "color", "auto", "colours in output: auto (only on a terminal), always or never")
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return streams.validate() }
	cmd.AddCommand(newRender(streams), newExplain(streams), newDemo(streams), newResolvconf(streams), newWait(streams))
	for _, c := range cmd.Commands() {
		c.Example = strings.ReplaceAll(c.Example, "  netmode ", "  "+name+" ")
	}
	return cmd
}
