package app

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netmode-io/netmode/pkg/flags"
	"github.com/netmode-io/netmode/pkg/server"
)

// clusterResolvConf is where the webhook's own pod has what kubelets hand out.
const clusterResolvConf = "/etc/resolv.conf"

// serveOptions are the flags of netmode-webhook.
type serveOptions struct {
	listen        string
	opsListen     string
	certDir       string
	standalone    bool
	observeOnly   bool
	manifests     []string
	kubeconfig    string
	maxBody       int64
	maxBytes      int64
	maxReviews    int
	maxConns      int
	clientCAFile  string
	clientNames   []string
	shutdownDelay time.Duration
	drainTimeout  time.Duration
	decision      *flags.Decision
	logging       *flags.Logging
}

func newServeOptions() *serveOptions {
	return &serveOptions{
		listen:        ":8443",
		opsListen:     ":8080",
		maxBody:       server.DefaultMaxBody,
		maxBytes:      server.DefaultMaxBytes,
		maxReviews:    server.DefaultMaxReviews(),
		maxConns:      server.DefaultMaxConnections,
		shutdownDelay: 15 * time.Second,
		drainTimeout:  10 * time.Second,
		decision:      flags.NewDecision(clusterResolvConf),
		logging:       flags.NewLogging(),
	}
}

func (o *serveOptions) addFlags(fs *pflag.FlagSet) {
	fs.SortFlags = false
	fs.StringVar(&o.listen, "listen", o.listen,
		"address for AdmissionReviews, over HTTPS; port 0 takes a free one")
	fs.StringVar(&o.opsListen, "ops-listen", o.opsListen,
		"address for /livez, /readyz and /metrics, over plain HTTP; with --standalone 127.0.0.1:0 unless given")
	fs.StringVar(&o.certDir, "cert-dir", o.certDir,
		"folder of tls.crt, tls.key and ca.crt; followed when the files change. Needed without --standalone")
	fs.BoolVar(&o.standalone, "standalone", o.standalone,
		"run without a cluster: make a CA and a certificate in --cert-dir, or in memory without it, and discover nothing unless --resolv-conf is given")
	fs.StringVar(&o.kubeconfig, "kubeconfig", o.kubeconfig,
		"kubeconfig file, to watch Services and Namespaces from outside the cluster (default: the pod's ServiceAccount; with --standalone nothing is watched)")
	fs.StringSliceVar(&o.manifests, "manifests", o.manifests,
		"with --standalone, files or folders of manifests whose Services, Namespaces and NetworkModePolicies stand for the cluster's; may be repeated")
	fs.BoolVar(&o.observeOnly, "observe-only", o.observeOnly,
		"change and refuse nothing, and warn nobody; what would have been is counted, logged and in audit annotations. What cannot be judged is let through, too")
	o.decision.AddFlags(fs)
	fs.Int64Var(&o.maxBody, "max-body-bytes", o.maxBody, "largest AdmissionReview that is read, in bytes; what is larger is not judged")
	fs.Int64Var(&o.maxBytes, "max-bytes-in-flight", o.maxBytes,
		"how many bytes all AdmissionReviews together may take in memory while they are read and judged; a third is kept for those of at most 256 KiB. What finds no room within a second is not judged")
	fs.IntVar(&o.maxReviews, "max-reviews", o.maxReviews,
		"how many AdmissionReviews may be judged at once (default: 64 a CPU); of those over 256 KiB, a 32nd part. What finds no room within a second is not judged")
	fs.IntVar(&o.maxConns, "max-connections", o.maxConns,
		"how many connections for AdmissionReviews may be open; another one takes the place of one that waits for a request")
	fs.StringVar(&o.clientCAFile, "client-ca-file", o.clientCAFile,
		"file of CA certificates in PEM; given, who sends AdmissionReviews must show a certificate that one of them signed. Followed when the file changes")
	fs.StringArrayVar(&o.clientNames, "client-name", o.clientNames,
		"common name or DNS name of a client's certificate, with --client-ca-file; may be repeated (default: any that a CA signed)")
	fs.DurationVar(&o.shutdownDelay, "shutdown-delay", o.shutdownDelay,
		"on SIGTERM, how long requests and connections are still taken after /readyz has begun to fail; with --standalone 0s unless given")
	fs.DurationVar(&o.drainTimeout, "drain-timeout", o.drainTimeout,
		"on SIGTERM, after --shutdown-delay, how long requests in flight may take, and those on their way on open connections")
	o.logging.AddFlags(fs)
}

// complete fills in what depends on other flags.
func (o *serveOptions) complete(fs *pflag.FlagSet) {
	o.decision.InCluster = !o.standalone
	if !o.standalone {
		return
	}
	if !fs.Changed("resolv-conf") {
		o.decision.ResolvConf = ""
	}
	if !fs.Changed("ops-listen") {
		o.opsListen = "127.0.0.1:0"
	}
	if !fs.Changed("shutdown-delay") {
		o.shutdownDelay = 0
	}
}

// validate names the flag, the value and the cure of everything that is wrong.
func (o *serveOptions) validate() error {
	var errs []error
	if o.certDir == "" && !o.standalone {
		errs = append(errs, errors.New("--cert-dir is missing: name the folder of tls.crt, tls.key and ca.crt, or use --standalone"))
	}
	for _, flag := range []struct{ name, address string }{{"--listen", o.listen}, {"--ops-listen", o.opsListen}} {
		if _, _, err := net.SplitHostPort(flag.address); err != nil {
			errs = append(errs, fmt.Errorf("%s %q: not HOST:PORT: write for example 127.0.0.1:8443 or :8443", flag.name, flag.address))
		}
	}
	if len(o.manifests) > 0 && (!o.standalone || o.kubeconfig != "") {
		errs = append(errs, fmt.Errorf("--manifests %s: the cluster itself is asked: use it with --standalone, and without --kubeconfig", strings.Join(o.manifests, ",")))
	}
	if o.maxBody < 1 {
		errs = append(errs, fmt.Errorf("--max-body-bytes %d: must be positive", o.maxBody))
	}
	if o.maxBody > 0 && o.maxBytes < server.MinMaxBytes(o.maxBody) {
		errs = append(errs, fmt.Errorf("--max-bytes-in-flight %d: too little for --max-body-bytes %d: give at least %d", o.maxBytes, o.maxBody, server.MinMaxBytes(o.maxBody)))
	}
	if o.maxReviews < 1 {
		errs = append(errs, fmt.Errorf("--max-reviews %d: must be positive", o.maxReviews))
	}
	if o.maxConns < 1 {
		errs = append(errs, fmt.Errorf("--max-connections %d: must be positive", o.maxConns))
	}
	for _, name := range o.clientNames {
		switch {
		case name == "":
			errs = append(errs, errors.New("--client-name \"\": is empty: give the common name or a DNS name of the client's certificate"))
		case o.clientCAFile == "":
			errs = append(errs, fmt.Errorf("--client-name %q: nothing vouches for names: name the file of the CA with --client-ca-file", name))
		}
	}
	if o.shutdownDelay < 0 || o.drainTimeout < 0 {
		errs = append(errs, fmt.Errorf("--shutdown-delay %s, --drain-timeout %s: must not be negative", o.shutdownDelay, o.drainTimeout))
	}
	return errors.Join(errs...)
}
