// Command netmode shows and explains, from manifests alone, what netmode's
// admission webhook does. Named kubectl-netmode it is a kubectl plugin.
package main

import (
	"os"

	"github.com/netmode-io/netmode/pkg/cli"
)

func main() { os.Exit(cli.Main(os.Args, cli.System())) }
