// Command netmode-webhook is netmode's admission webhook.
package main

import (
	"os"

	"github.com/netmode-io/netmode/cmd/netmode-webhook/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
