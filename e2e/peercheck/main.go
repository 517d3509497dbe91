// Peercheck is the one program in an image without a shell: it looks at a pod's network from
// inside the pod.
//
//	peercheck serve [--listen :8080]                          answer HTTP: / says who asks whom
//	peercheck resolve [--retry-for 30s] [--server IP] NAME    print the addresses of NAME
//	peercheck show                                            print the hostname and resolv.conf
//	peercheck wait-for-peer [--listen :8080] NAME             /ready is 503 until NAME resolves
//	peercheck annotate --certificate F --key F KEY=VALUE      a webhook: every object gets the annotation
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const usage = "usage: peercheck serve|resolve|show|wait-for-peer|annotate [flags] [NAME|KEY=VALUE]"

func main() {
	// As PID 1 of a container it would not end by a signal that it does not handle.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "peercheck:", err)
		os.Exit(1) //nolint:forbidigo // a main turns an error into an exit code
	}
}

// run is the program without its process.
func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	listen := flags.String("listen", ":8080", "address to serve HTTP on")
	retryFor := flags.Duration("retry-for", 0, "how long to go on asking while the answer is no")
	server := flags.String("server", "", "IP address of the DNS server to ask, instead of resolv.conf's")
	certificate := flags.String("certificate", "", "file of the certificate, in PEM")
	key := flags.String("key", "", "file of the certificate's key, in PEM")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%s: %w: %s", args[0], err, usage)
	}
	named := func(do func(name string) error) error {
		if flags.NArg() != 1 || flags.Arg(0) == "" {
			return fmt.Errorf("%s: want one NAME, have %d: %s", args[0], flags.NArg(), usage)
		}
		return do(flags.Arg(0))
	}

	switch args[0] {
	case "serve":
		return serve(ctx, *listen, alwaysReady)
	case "show":
		return show(out, "/etc/resolv.conf")
	case "resolve":
		return named(func(name string) error {
			addresses, err := resolve(ctx, lookup(*server), name, *retryFor)
			if err != nil {
				return err
			}
			for _, address := range addresses {
				if _, err := fmt.Fprintln(out, address); err != nil {
					return err
				}
			}
			return nil
		})
	case "wait-for-peer":
		return named(func(name string) error {
			return serve(ctx, *listen, readyOnce(ctx, lookup(*server), name))
		})
	case "annotate":
		return named(func(pair string) error { return annotate(ctx, *listen, *certificate, *key, pair) })
	}
	return fmt.Errorf("unknown command %q: %s", args[0], usage)
}

// show prints the hostname, then the resolver's file as it is.
func show(out io.Writer, resolvConf string) error {
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(resolvConf) //nolint:gosec // a fixed path, a parameter only for tests
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "hostname %s\n%s", hostname, content)
	return err
}

// retryEvery is how long resolve waits between two questions.
const retryEvery = 500 * time.Millisecond
